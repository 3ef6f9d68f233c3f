namespace Berth.Telemetry;

/// <summary>What a metric's numbers mean to who reads them.</summary>
public enum MetricKind
{
    /// <summary>Goes up and down.</summary>
    Gauge,
    /// <summary>Only grows, until the process ends.</summary>
    Counter,
    /// <summary>Counts by size.</summary>
    Histogram,
}

/// <summary>One metric with all its series, as it is at one moment.</summary>
/// <param name="Name">In Prometheus' form, without a counter's <c>_total</c>.</param>
/// <param name="Kind">What its numbers mean.</param>
/// <param name="Description">For people.</param>
/// <param name="Points">Its series.</param>
public sealed record MetricFamily(string Name, MetricKind Kind, string Description, IReadOnlyList<MetricPoint> Points);

/// <summary>One series of a metric.</summary>
/// <param name="Labels">Names and values, in the metric's order.</param>
/// <param name="Value">The number; of a histogram, the sum of what was recorded.</param>
/// <param name="Buckets">Of a histogram: upper bounds and how many were at most so large, the last bound infinite.</param>
public sealed record MetricPoint(
    IReadOnlyList<KeyValuePair<string, string>> Labels, double Value, IReadOnlyList<(double Bound, long Count)>? Buckets = null);
