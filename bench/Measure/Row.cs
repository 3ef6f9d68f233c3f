using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Bench.Measure;

/// <summary>One measured figure: what <c>bench/run --json</c> prints a line of.</summary>
/// <param name="Name">The bench, such as <c>deploy</c>.</param>
/// <param name="Subject"><c>berth</c>, <c>swarm</c> or <c>engine</c>.</param>
/// <param name="Metric">What was measured, such as <c>30 replicas started</c>.</param>
/// <param name="Unit">Unit of <paramref name="Median"/> and <paramref name="P99"/>.</param>
/// <param name="Median">Middle of the samples.</param>
/// <param name="P99">The 99th percentile; the greatest sample when there are fewer than 100.</param>
/// <param name="N">Samples.</param>
/// <param name="CpuS">Median CPU seconds of one sample, whole lab or process as the bench says; null when not measured.</param>
public sealed record Row(string Name, string Subject, string Metric, string Unit, double Median, double P99, int N, double? CpuS)
{
    /// <summary>A row of samples.</summary>
    public static Row Of(string name, string subject, string metric, string unit, IReadOnlyCollection<double> samples, IReadOnlyCollection<double>? cpu = null) =>
        new(name, subject, metric, unit, Samples.Median(samples), Samples.Percentile(samples, 0.99), samples.Count,
            cpu is { Count: > 0 } ? Samples.Median(cpu) : null);
}

/// <summary>Prints rows: a table for people, or one JSON object a line.</summary>
public sealed class Report(bool json)
{
    private bool _headed;

    /// <summary>Prints one row at once, so that a long run shows how it goes.</summary>
    public void Add(Row row)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(row, RowJson.Default.Row));
            return;
        }
        if (!_headed)
            Console.WriteLine($"{"BENCH",-14} {"SUBJECT",-14} {"METRIC",-46} {"MEDIAN",12} {"P99",12} {"UNIT",-8} {"N",4} {"CPU S",9}");
        _headed = true;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{row.Name,-14} {row.Subject,-14} {row.Metric,-46} {row.Median,12:0.###} {row.P99,12:0.###} {row.Unit,-8} {row.N,4} {row.CpuS,9:0.###}"));
    }

    /// <summary>Says how it goes, on stderr.</summary>
    public static void Note(string text) => Console.Error.WriteLine($"bench: {text}");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Row))]
internal sealed partial class RowJson : JsonSerializerContext;
