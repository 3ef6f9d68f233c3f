using System.Diagnostics.Metrics;
using Berth.Telemetry;

namespace Berth.Tests.Shared.Telemetry;

public sealed class MetricsPageTests
{
    private static readonly Counter<double> Apples = BerthMeter.Counter("test.apples", "Apples \"eaten\".\nAll of them.");
    private static readonly Histogram<double> Waits = BerthMeter.Duration("test.waits", "Waits.");

    [Theory]
    [InlineData("berth.store.append.duration", "s", "berth_store_append_duration_seconds")]
    [InlineData("berth.snapshot", "By", "berth_snapshot_bytes")]
    [InlineData("berth.leader", null, "berth_leader")]
    public void Names_are_written_as_prometheus_wants_them(string instrument, string? unit, string name) =>
        Assert.Equal(name, MetricName.Of(instrument, unit));

    [Fact]
    public void A_counter_grows_by_label_and_ends_in_total()
    {
        using var page = new MetricsPage();

        Apples.Add(1, new KeyValuePair<string, object?>("kind", "red"));
        Apples.Add(2, new KeyValuePair<string, object?>("kind", "red"));
        Apples.Add(5, new KeyValuePair<string, object?>("kind", "a \"green\"\\one"));

        var text = page.Text();
        Assert.Contains("# HELP test_apples_total Apples \"eaten\".\\nAll of them.\n# TYPE test_apples_total counter\n", text);
        Assert.Contains("\ntest_apples_total{kind=\"red\"} 3\n", text);
        Assert.Contains("\ntest_apples_total{kind=\"a \\\"green\\\"\\\\one\"} 5\n", text);
    }

    [Fact]
    public void A_histogram_counts_up_to_each_bound()
    {
        using var page = new MetricsPage();

        Waits.Record(0.0005);
        Waits.Record(0.003);
        Waits.Record(60);

        var text = page.Text();
        Assert.Contains("# TYPE test_waits_seconds histogram\n", text);
        Assert.Contains("\ntest_waits_seconds_bucket{le=\"0.0005\"} 1\n", text);
        Assert.Contains("\ntest_waits_seconds_bucket{le=\"0.0025\"} 1\n", text);
        Assert.Contains("\ntest_waits_seconds_bucket{le=\"0.005\"} 2\n", text);
        Assert.Contains("\ntest_waits_seconds_bucket{le=\"10\"} 2\n", text);
        Assert.Contains("\ntest_waits_seconds_bucket{le=\"+Inf\"} 3\n", text);
        Assert.Contains("\ntest_waits_seconds_sum 60.0035\n", text);
        Assert.Contains("\ntest_waits_seconds_count 3\n", text);
    }

    [Fact]
    public void What_is_observed_is_read_anew_each_time_and_belongs_to_one_page()
    {
        using var page = new MetricsPage();
        using var other = new MetricsPage();
        string[] states = ["ready", "down"];
        page.Observe("test.nodes", MetricKind.Gauge, "Nodes.", () => states.Select(state => new Measurement<double>(1, [new("state", state)])));

        Assert.Contains("test_nodes{state=\"down\"} 1\n", page.Text());
        states = ["ready"];

        Assert.Contains("test_nodes{state=\"ready\"} 1\n", page.Text());
        Assert.DoesNotContain("down", page.Text());
        Assert.DoesNotContain("test_nodes", other.Text());
    }

    [Fact]
    public void A_label_without_bounds_costs_no_memory_without_bounds()
    {
        using var page = new MetricsPage();
        var counter = BerthMeter.Counter("test.unbounded", "Anything.");

        for (var at = 0; at < 1_500; at++)
            counter.Add(1, new KeyValuePair<string, object?>("id", at));

        var text = page.Text();
        Assert.Equal(1_000, text.Split('\n').Count(line => line.StartsWith("test_unbounded_total{", StringComparison.Ordinal)));
        Assert.Contains("berth_metrics_dropped_total 500\n", text);
    }

    [Fact]
    public void A_process_says_what_it_is_and_what_it_costs()
    {
        using var page = new MetricsPage();
        ProcessMetrics.Show(page, "berth-test", "1.2.3");

        var text = page.Text();
        Assert.Contains("berth_build_info{program=\"berth-test\",version=\"1.2.3\",runtime=\"", text);
        foreach (var name in (string[])["process_cpu_seconds_total", "process_resident_memory_bytes", "process_threads", "process_open_fds", "process_start_time_seconds", "dotnet_gc_heap_bytes"])
        {
            var line = text.Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
            Assert.True(double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) > 0, line);
        }
    }
}
