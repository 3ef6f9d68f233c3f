using System.Diagnostics.Metrics;

namespace Berth.Telemetry;

/// <summary>Where this process's own instruments are made: names as OpenTelemetry writes them, <c>berth.store.append.duration</c>.</summary>
/// <remarks>An instrument takes at most three labels, always the same ones in the same order, each with a bounded set of values.</remarks>
public static class BerthMeter
{
    /// <summary>The meter's name: what a collector of another kind subscribes to.</summary>
    public const string Name = "berth";

    private static readonly Meter Meter = new(Name);

    // Half a millisecond to ten seconds: a commit takes about one, a stalled disk and a change of leaders take seconds.
    private static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    // From a container that is there to an image that is large and far away.
    private static readonly InstrumentAdvice<double> LongDurations = new()
    {
        HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    };

    private static readonly InstrumentAdvice<double> Sizes = new()
    {
        HistogramBucketBoundaries = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000],
    };

    /// <summary>Something that happened; only grows.</summary>
    public static Counter<double> Counter(string name, string description, string? unit = null) => Meter.CreateCounter<double>(name, unit, description);

    /// <summary>How many there are; told of each that comes and goes.</summary>
    public static UpDownCounter<double> UpDown(string name, string description) => Meter.CreateUpDownCounter<double>(name, null, description);

    /// <summary>How long something took, seconds; most take milliseconds.</summary>
    public static Histogram<double> Duration(string name, string description) =>
        Meter.CreateHistogram(name, "s", description, tags: null, Durations);

    /// <summary>How long something took, seconds; most take seconds.</summary>
    public static Histogram<double> LongDuration(string name, string description) =>
        Meter.CreateHistogram(name, "s", description, tags: null, LongDurations);

    /// <summary>How many things came together.</summary>
    public static Histogram<double> Size(string name, string description) => Meter.CreateHistogram(name, null, description, tags: null, Sizes);
}
