using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Berth.Telemetry;

/// <summary>Adds up what the instruments of a process record, and shows it as a page for Prometheus.</summary>
/// <remarks>Small on purpose: the exporters there are need a web server that the agent does not have, or are no releases yet.</remarks>
public sealed class MetricsPage : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, MetricSeries> _series = new();
    private readonly Meter _own;
    private readonly Lock _gate = new();

    /// <summary>Listens from now on to the meters called <see cref="BerthMeter.Name"/>.</summary>
    public MetricsPage()
    {
        _own = new Meter(BerthMeter.Name, version: null, tags: null, scope: this);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            // What is observed belongs to whoever made it: two pages in one process do not show each other's.
            if (instrument.Meter.Name == BerthMeter.Name && (instrument.Meter.Scope is null || ReferenceEquals(instrument.Meter.Scope, this)))
                listener.EnableMeasurementEvents(instrument, _series.GetOrAdd(instrument, SeriesOf));
        };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, series) => ((MetricSeries)series!).Record(value, tags));
        _listener.Start();
        Observe("berth.metrics.dropped", MetricKind.Counter, "Measurements that were not counted because their metric had too many series.",
            () => _series.Values.Sum(series => (double)series.Dropped));
    }

    /// <summary>A number that is asked for each time the page is read.</summary>
    public void Observe(string name, MetricKind kind, string description, Func<double> read, string? unit = null)
    {
        if (kind == MetricKind.Counter)
            _own.CreateObservableCounter(name, read, unit, description);
        else
            _own.CreateObservableGauge(name, read, unit, description);
    }

    /// <summary>Numbers by label that are asked for each time the page is read.</summary>
    public void Observe(string name, MetricKind kind, string description, Func<IEnumerable<Measurement<double>>> read, string? unit = null)
    {
        if (kind == MetricKind.Counter)
            _own.CreateObservableCounter(name, read, unit, description);
        else
            _own.CreateObservableGauge(name, read, unit, description);
    }

    /// <summary>Everything, as it is now.</summary>
    public IReadOnlyList<MetricFamily> Read()
    {
        lock (_gate)
        {
            foreach (var series in _series.Values)
                series.BeginObserving();
            _listener.RecordObservableInstruments();
            return [.. _series.Values.Select(series => series.Read()).Where(family => family.Points.Count > 0)];
        }
    }

    /// <summary>The page.</summary>
    public string Text() => PrometheusText.Write(Read());

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _own.Dispose();
    }

    private static MetricSeries SeriesOf(Instrument instrument)
    {
        var kind = instrument switch
        {
            Counter<double> or ObservableCounter<double> => MetricKind.Counter,
            Histogram<double> => MetricKind.Histogram,
            _ => MetricKind.Gauge,
        };
        var bounds = instrument is Histogram<double> { Advice.HistogramBucketBoundaries: { } advised } ? advised.ToArray() : [];
        return new MetricSeries(MetricName.Of(instrument.Name, instrument.Unit), instrument.Description ?? "", kind, instrument.IsObservable, bounds);
    }
}
