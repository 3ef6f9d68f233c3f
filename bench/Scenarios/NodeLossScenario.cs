using System.Text.Json;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;

namespace Berth.Bench.Scenarios;

/// <summary>A worker with replicas loses power, or its cable: how long until all it ran runs elsewhere, and until it is back.</summary>
public static class NodeLossScenario
{
    private const int Replicas = 30;
    private const int Hosts = 4;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Runs it: kill, return, partition, heal and drain in each round.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        await using var lab = await BenchLab.UpAsync(Hosts, forSwarm: false);
        var samples = new Dictionary<string, List<double>>();
        await lab.BerthAsync("service", "create", "--name", "bench", "--replicas", Replicas.ToString(), "--network", "host",
            "--stop-signal", "SIGKILL", "--restart-delay", "0s", "berth/busybox:1", "sleep", "1000000");

        for (var round = 0; round < rounds; round++)
        {
            await SpreadAsync(lab);
            await LoseAsync(lab, samples, "power loss", "kill", "start");
            await SpreadAsync(lab);
            await LoseAsync(lab, samples, "partition", "partition", "heal");
            await SpreadAsync(lab);
            await DrainAsync(lab, samples);
        }
        foreach (var (metric, seconds) in samples)
            report.Add(Row.Of("node-loss", "berth", metric, "s", seconds));
    }

    private static async Task LoseAsync(BenchLab lab, Dictionary<string, List<double>> samples, string what, string cut, string mend)
    {
        var victim = lab.Hosts[^1];
        var lost = (await victim.Engine.ListAsync(runningOnly: true)).Count;
        await using var watch = await EngineWatch.OpenAsync(lab.Hosts.SkipLast(1).Select(host => host.Engine));
        var began = watch.Now;
        await lab.LabAsync(cut, victim.Name);
        var replaced = await watch.WaitAsync("start", lost, began, Limit);
        Keep(samples, $"{what}: all lost replicas replaced", (replaced - began).TotalSeconds);

        await Task.Delay(TimeSpan.FromSeconds(2));
        var mended = watch.Now;
        await lab.LabAsync(mend, victim.Name);
        await lab.RefreshAsync();
        await Command.UntilAsync("the node is ready", Limit, () => IsReadyAsync(lab, victim.Name));
        Keep(samples, $"{what}: node ready again", (watch.Now - mended).TotalSeconds);
        await Command.UntilAsync("its old containers are gone", Limit, async () => (await lab.Hosts[^1].Engine.ListAsync(runningOnly: true)).Count == 0);
        Keep(samples, $"{what}: stale containers gone", (watch.Now - mended).TotalSeconds);
        var running = await RunningAsync(lab);
        if (running != Replicas)
            throw new InvalidOperationException($"after {what}: {running} containers run, {Replicas} are wanted");
        Report.Note($"node-loss {what}: {lost} replicas replaced after {(replaced - began).TotalSeconds:0.00} s");
    }

    private static async Task DrainAsync(BenchLab lab, Dictionary<string, List<double>> samples)
    {
        var victim = lab.Hosts[^1];
        await using var watch = await EngineWatch.OpenAsync(lab.Hosts.Select(host => host.Engine));
        var began = watch.Now;
        await lab.BerthAsync("node", "update", "--availability", "drain", victim.Name);
        Keep(samples, "drain: node empty, as berth says", (watch.Now - began).TotalSeconds);
        await lab.BerthAsync("node", "update", "--availability", "active", victim.Name);
    }

    // A forced update spreads the replicas over all nodes again, since nothing moves a healthy task by itself.
    private static async Task SpreadAsync(BenchLab lab)
    {
        await lab.BerthAsync("service", "update", "--force", "--update-parallelism", "0", "--update-monitor", "100ms", "bench");
        await Command.UntilAsync("replicas are spread", Limit, async () =>
            await RunningAsync(lab) == Replicas && (await lab.Hosts[^1].Engine.ListAsync(runningOnly: true)).Count >= Replicas / Hosts);
    }

    private static async Task<int> RunningAsync(BenchLab lab)
    {
        var lists = await Task.WhenAll(lab.Hosts.Select(host => host.Engine.ListAsync(runningOnly: true)));
        return lists.Sum(list => list.Count);
    }

    private static async Task<bool> IsReadyAsync(BenchLab lab, string node)
    {
        using var nodes = JsonDocument.Parse(await lab.BerthAsync("node", "ls", "--format", "json"));
        return nodes.RootElement.EnumerateArray().Any(row => row.GetProperty("Hostname").GetString() == node && row.GetProperty("Status").GetString() == "Ready");
    }

    private static void Keep(Dictionary<string, List<double>> samples, string metric, double seconds)
    {
        if (!samples.TryGetValue(metric, out var list))
            samples[metric] = list = [];
        list.Add(seconds);
    }
}
