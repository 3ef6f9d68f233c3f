using System.Collections.Immutable;
using System.Globalization;
using Berth.Manager.Store;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>The stream of what happens.</summary>
internal sealed class EventCalls(StateFeed feed, TimeProvider time)
{
    /// <param name="stream">The caller.</param>
    /// <param name="begin">Tells the caller that nothing is missed from here on.</param>
    /// <param name="cancellation">The caller went away.</param>
    public async Task WatchAsync(IServerStreamWriter<V1.Event> stream, Func<Task> begin, CancellationToken cancellation)
    {
        var queue = new EventQueue(time);
        using var listening = feed.Listen(queue);
        await queue.Began.WaitAsync(cancellation);
        await begin();
        while (true)
        {
            foreach (var item in await queue.TakeAsync(cancellation))
                await stream.WriteAsync(item, cancellation);
        }
    }
}

/// <summary>Events one reader has not taken yet; bounded. What does not fit is counted and told, never lost in silence.</summary>
internal sealed class EventQueue(TimeProvider time, int capacity = EventQueue.DefaultCapacity) : IStateListener
{
    /// <summary>Events kept for a reader: a deploy of 3,000 replicas with a reader that sleeps.</summary>
    public const int DefaultCapacity = 20_000;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _arrived = new(0, 1);
    private readonly List<V1.Event> _waiting = [];
    private int _lost;
    private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _ended;

    /// <summary>Ends once the queue hears of changes, or never will.</summary>
    public Task Began => _began.Task;

    public void OnState(ClusterState? before, ClusterState state, Touched touched)
    {
        // The first state is where this reader's story begins, not something that happened.
        if (before is null)
        {
            _began.TrySetResult();
            return;
        }
        var events = EventDiff.Between(before, state, touched, time.GetUtcNow());
        if (events.IsEmpty)
            return;
        lock (_gate)
        {
            var room = Math.Min(capacity - _waiting.Count, events.Length);
            _waiting.AddRange(events.AsSpan()[..room]);
            _lost += events.Length - room;
        }
        Wake();
    }

    public void OnEnd(string reason)
    {
        lock (_gate)
            _ended = reason;
        _began.TrySetResult();
        Wake();
    }

    /// <summary>All that waits, oldest first, then how many did not fit; waits for at least one.</summary>
    public async Task<ImmutableArray<V1.Event>> TakeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_waiting.Count > 0)
                    return Drain();
                if (_ended is not null)
                    throw ApiErrors.Unavailable($"{_ended}; call again");
            }
            await _arrived.WaitAsync(cancellation);
        }
    }

    private ImmutableArray<V1.Event> Drain()
    {
        if (_lost > 0)
            _waiting.Add(Lost(_lost));
        ImmutableArray<V1.Event> taken = [.. _waiting];
        _waiting.Clear();
        _lost = 0;
        return taken;
    }

    private V1.Event Lost(int count) => new()
    {
        Time = time.GetUtcNow().ToTimestamp(),
        Type = "events",
        Action = "lost",
        Attributes =
        {
            ["count"] = count.ToString(CultureInfo.InvariantCulture),
            ["message"] = $"{count} events were lost here: the reader was slower than the cluster; list what matters to see how it stands",
        },
    };

    private void Wake()
    {
        lock (_gate)
        {
            if (_arrived.CurrentCount == 0)
                _arrived.Release();
        }
    }
}
