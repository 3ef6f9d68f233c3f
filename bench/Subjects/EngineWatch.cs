using System.Diagnostics;

namespace Berth.Bench.Subjects;

/// <summary>The truth of every bench on real hosts: what the engines themselves say, on one clock.</summary>
public sealed class EngineWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _readers = [];
    private readonly List<(TimeSpan At, EngineEvent Event)> _events = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private EngineWatch() { }

    /// <summary>Time since the watch began.</summary>
    public TimeSpan Now => _clock.Elapsed;

    /// <summary>Watches engines; returns once every stream is open.</summary>
    public static async Task<EngineWatch> OpenAsync(IEnumerable<Engine> engines)
    {
        var watch = new EngineWatch();
        foreach (var engine in engines)
        {
            var ready = new TaskCompletionSource();
            watch._readers.Add(watch.ReadAsync(engine, ready));
            await ready.Task.WaitAsync(TimeSpan.FromSeconds(10));
        }
        return watch;
    }

    /// <summary>When the <paramref name="count"/>th such event after <paramref name="since"/> was seen; null when not yet.</summary>
    public TimeSpan? TimeOf(string action, int count, TimeSpan since, Func<EngineEvent, bool>? which = null)
    {
        lock (_events)
        {
            var times = _events.Where(seen => seen.At >= since && seen.Event.Action == action && (which?.Invoke(seen.Event) ?? true))
                .Select(seen => seen.At).Take(count).ToList();
            return times.Count == count ? times[^1] : null;
        }
    }

    /// <summary>How many such events there were after <paramref name="since"/>.</summary>
    public int Count(string action, TimeSpan since)
    {
        lock (_events)
            return _events.Count(seen => seen.At >= since && seen.Event.Action == action);
    }

    /// <summary>Waits for the <paramref name="count"/>th such event after <paramref name="since"/> and says when it was.</summary>
    public async Task<TimeSpan> WaitAsync(string action, int count, TimeSpan since, TimeSpan limit, Func<EngineEvent, bool>? which = null)
    {
        while (true)
        {
            if (TimeOf(action, count, since, which) is { } at)
                return at;
            if (Now - since > limit)
                throw new TimeoutException($"{Count(action, since)} of {count} '{action}' events within {limit.TotalSeconds:0} s");
            await Task.Delay(10);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_readers);
        _stop.Dispose();
    }

    // A killed host's stream just ends: what it said before still counts.
    private async Task ReadAsync(Engine engine, TaskCompletionSource ready)
    {
        try
        {
            await engine.WatchAsync(Keep, ready, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            ready.TrySetException(e);
        }
    }

    private void Keep(EngineEvent seen)
    {
        lock (_events)
            _events.Add((_clock.Elapsed, seen));
    }
}
