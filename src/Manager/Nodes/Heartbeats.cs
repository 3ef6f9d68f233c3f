using System.Collections.Concurrent;
using Berth.Model;

namespace Berth.Manager.Nodes;

/// <summary>When each node was last heard of. Written by sessions on their own threads, read by <see cref="NodesActor"/>:
/// a beat costs one write, and no message.</summary>
public sealed class Heartbeats(TimeProvider time)
{
    private readonly ConcurrentDictionary<NodeId, Heart> _hearts = new();

    /// <summary>The heart of a node; made when the node is new here.</summary>
    public Heart Of(NodeId node) => _hearts.GetOrAdd(node, static (_, clock) => new Heart(clock), time);

    /// <summary>The heart of a node that was heard of since the manager started; else null.</summary>
    public Heart? Find(NodeId node) => _hearts.GetValueOrDefault(node);

    /// <summary>Forgets nodes that have no session now: what was heard of them earlier, while another manager led, says nothing
    /// of how they are.</summary>
    public void ForgetEnded()
    {
        foreach (var heart in _hearts.Values)
        {
            if (heart.Ended is not null)
                heart.Forget();
        }
    }

    /// <summary>Forgets a node that is no longer a member.</summary>
    public void Forget(NodeId node) => _hearts.TryRemove(node, out _);
}

/// <summary>When one node was last heard of.</summary>
/// <remarks>Kept on the monotonic clock: a wall clock that jumps must not call nodes down.</remarks>
public sealed class Heart(TimeProvider time)
{
    private long _beatAt;
    private bool _hasBeaten;
    private int _isAwaited;
    private string? _ended = "it has not registered";

    /// <summary>Why its last session ended, for people; null while one is open.</summary>
    public string? Ended => Volatile.Read(ref _ended);

    /// <summary>A session was opened.</summary>
    public void Open()
    {
        Beat();
        Volatile.Write(ref _ended, null);
    }

    /// <summary>The session ended, and no newer one is open.</summary>
    /// <param name="reason">Why, for people; no full stop.</param>
    public void End(string reason) => Volatile.Write(ref _ended, reason);

    /// <summary>Whether it was ever heard of.</summary>
    public bool HasBeaten => Volatile.Read(ref _hasBeaten);

    /// <summary>How long ago it was heard of.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref _beatAt));

    /// <summary>It was heard of just now.</summary>
    /// <returns>Whether somebody asked to be told of this beat (<see cref="Await"/>).</returns>
    public bool Beat()
    {
        Volatile.Write(ref _beatAt, time.GetTimestamp());
        if (!_hasBeaten)
            Volatile.Write(ref _hasBeaten, true);
        return Volatile.Read(ref _isAwaited) != 0 && Interlocked.Exchange(ref _isAwaited, 0) != 0;
    }

    /// <summary>As if it had never been heard of; its next beat is news. Sessions may hold it already, so it stays itself.</summary>
    public void Forget() => Volatile.Write(ref _hasBeaten, false);

    /// <summary>Asks the next beat to report itself: the node was called down and may come back on its old connection.</summary>
    public void Await() => Volatile.Write(ref _isAwaited, 1);
}
