using System.Collections.Concurrent;

namespace Berth.Telemetry;

/// <summary>The labels' values of one series; their names are the metric's.</summary>
internal readonly record struct LabelValues(string? First, string? Second, string? Third)
{
    public const int Most = 3;

    public static LabelValues Of(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        new(Value(tags, 0), Value(tags, 1), Value(tags, 2));

    public IReadOnlyList<KeyValuePair<string, string>> Named(IReadOnlyList<string> names)
    {
        string?[] values = [First, Second, Third];
        return [.. names.Select((name, at) => KeyValuePair.Create(name, values[at] ?? ""))];
    }

    private static string? Value(ReadOnlySpan<KeyValuePair<string, object?>> tags, int at) => at < tags.Length ? tags[at].Value?.ToString() : null;
}

/// <summary>All series of one instrument. Any thread records.</summary>
internal sealed class MetricSeries(string name, string description, MetricKind kind, bool isObserved, double[] bounds)
{
    // A label whose values turn out not to be bounded costs its own metric, and not the process's memory.
    private const int MostSeries = 1_000;

    private readonly ConcurrentDictionary<LabelValues, Cell> _cells = new();
    private volatile string[]? _labels;

    /// <summary>Measurements that were not counted because there were too many series.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    private long _dropped;

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        _labels ??= Names(tags);
        var key = LabelValues.Of(tags);
        if (!_cells.TryGetValue(key, out var cell))
        {
            if (_cells.Count >= MostSeries)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }
            cell = _cells.GetOrAdd(key, _ => new Cell(kind == MetricKind.Histogram ? new long[bounds.Length + 1] : null));
        }
        lock (cell)
            Add(cell, value);
    }

    /// <summary>Forgets what was observed: what is not observed again is gone.</summary>
    public void BeginObserving()
    {
        if (isObserved)
            _cells.Clear();
    }

    public MetricFamily Read()
    {
        var labels = _labels ?? [];
        var points = _cells.Select(entry => Point(labels, entry.Key, entry.Value))
            .OrderBy(point => string.Join('\0', point.Labels.Select(label => label.Value)), StringComparer.Ordinal);
        return new MetricFamily(name, kind, description, [.. points]);
    }

    private void Add(Cell cell, double value)
    {
        if (isObserved)
        {
            cell.Value = value;
            return;
        }
        // A gauge that is not observed is told each change: what was added and taken away.
        cell.Value += value;
        if (cell.Counts is { } counts)
            counts[Bucket(value)]++;
    }

    private int Bucket(double value)
    {
        var at = Array.BinarySearch(bounds, value);
        return at >= 0 ? at : ~at;
    }

    private MetricPoint Point(string[] labels, LabelValues key, Cell cell)
    {
        lock (cell)
        {
            if (cell.Counts is not { } counts)
                return new MetricPoint(key.Named(labels), cell.Value);
            var buckets = new (double, long)[counts.Length];
            long sum = 0;
            for (var at = 0; at < counts.Length; at++)
                buckets[at] = (at < bounds.Length ? bounds[at] : double.PositiveInfinity, sum += counts[at]);
            return new MetricPoint(key.Named(labels), cell.Value, buckets);
        }
    }

    private static string[] Names(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var names = new string[Math.Min(tags.Length, LabelValues.Most)];
        for (var at = 0; at < names.Length; at++)
            names[at] = MetricName.Of(tags[at].Key, null);
        return names;
    }

    private sealed class Cell(long[]? counts)
    {
        public double Value { get; set; }

        public long[]? Counts { get; } = counts;
    }
}
