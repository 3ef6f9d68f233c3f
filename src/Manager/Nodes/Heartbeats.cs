using System.Collections.Concurrent;
using Berth.Model;

namespace Berth.Manager.Nodes;

/// <summary>When each node was last heard of. Written by sessions on their own threads, read by <see cref="NodesActor"/>:
/// a beat costs one write, and no message.</summary>
public sealed class Heartbeats(TimeProvider time)
{
    private readonly ConcurrentDictionary<NodeId, Heart> _hearts = new();
    private readonly TimeProvider _time = time;

    /// <summary>A session of this manager's own was opened or ended. Called on the session's thread; must return at once.</summary>
    public event Action<NodeId, Heart>? SessionChanged;

    /// <summary>The heart of a node; made when the node is new here.</summary>
    public Heart Of(NodeId node) => _hearts.GetOrAdd(node, static (id, all) => new Heart(all._time, heart => all.SessionChanged?.Invoke(id, heart)), this);

    /// <summary>The heart of a node that was heard of since the manager started; else null.</summary>
    public Heart? Find(NodeId node) => _hearts.GetValueOrDefault(node);

    /// <summary>Nodes with an open session at the manager <paramref name="via"/>; null is this one.</summary>
    public IReadOnlyList<(NodeId Node, Heart Heart)> Open(NodeId? via) =>
        [.. _hearts.Where(heart => heart.Value.IsOpenAt(via)).Select(heart => (heart.Key, heart.Value))];

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

/// <summary>When one node was last heard of, and at which manager it has its session.</summary>
/// <remarks>Kept on the monotonic clock: a wall clock that jumps must not call nodes down.</remarks>
/// <param name="time">The clock.</param>
/// <param name="changed">Told when a session of this manager's own opens or ends.</param>
public sealed class Heart(TimeProvider time, Action<Heart> changed)
{
    private readonly Lock _gate = new();
    private long _beatAt;
    private bool _hasBeaten;
    private int _isAwaited;
    private NodeId? _via;
    private volatile bool _isElsewhere;
    private string? _ended = "it has not registered";
    private volatile bool _restarts;

    /// <summary>Why its last session ended, for people; null while one is open.</summary>
    public string? Ended => Volatile.Read(ref _ended);

    /// <summary>Whether its last session ended because its agent is started again.</summary>
    public bool Restarts => _restarts;

    /// <summary>Whether it was ever heard of.</summary>
    public bool HasBeaten => Volatile.Read(ref _hasBeaten);

    /// <summary>How long ago it was heard of.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref _beatAt));

    /// <summary>Whether its session is open at the manager <paramref name="via"/>; null is this one.</summary>
    public bool IsOpenAt(NodeId? via)
    {
        lock (_gate)
            return _ended is null && _via == via;
    }

    /// <summary>A session was opened.</summary>
    /// <param name="via">At which manager; null is this one.</param>
    public void Open(NodeId? via = null)
    {
        lock (_gate)
        {
            Note();
            _via = via;
            _isElsewhere = via is not null;
            _restarts = false;
            Volatile.Write(ref _ended, null);
        }
        if (via is null)
            changed(this);
    }

    /// <summary>A session ended; nothing when a newer one is open at another manager.</summary>
    /// <param name="reason">Why, for people; no full stop.</param>
    /// <param name="via">At which manager; null is this one.</param>
    /// <param name="restarts">Whether its agent said that it is started again.</param>
    public void End(string reason, NodeId? via = null, bool restarts = false)
    {
        lock (_gate)
        {
            if (_via == via || _ended is not null)
            {
                _restarts = restarts;
                Volatile.Write(ref _ended, reason);
            }
        }
        if (via is null)
            changed(this);
    }

    /// <summary>It was heard of just now, in a session of this manager's own.</summary>
    /// <returns>Whether somebody asked to be told of this beat (<see cref="Await"/>), or the session was believed to be elsewhere.</returns>
    public bool Beat()
    {
        if (_isElsewhere || Volatile.Read(ref _ended) is not null)
        {
            Open();
            return true;
        }
        return Note();
    }

    /// <summary>Another manager heard of it just now.</summary>
    /// <returns>As <see cref="Beat()"/>.</returns>
    public bool Beat(NodeId via)
    {
        lock (_gate)
        {
            if (_ended is null && _via != via)
                return false;
            if (_ended is null)
                return Note();
        }
        Open(via);
        return true;
    }

    /// <summary>Its manager went away: its silence counts only once it has had this long to find another one.</summary>
    public void Excuse(TimeSpan rejoin) => Volatile.Write(ref _beatAt, time.GetTimestamp() + (long)(rejoin.TotalSeconds * time.TimestampFrequency));

    /// <summary>As if it had never been heard of; its next beat is news. Sessions may hold it already, so it stays itself.</summary>
    public void Forget() => Volatile.Write(ref _hasBeaten, false);

    /// <summary>Asks the next beat to report itself: the node was called down and may come back on its old connection.</summary>
    public void Await() => Volatile.Write(ref _isAwaited, 1);

    private bool Note()
    {
        Volatile.Write(ref _beatAt, time.GetTimestamp());
        if (!_hasBeaten)
            Volatile.Write(ref _hasBeaten, true);
        return Volatile.Read(ref _isAwaited) != 0 && Interlocked.Exchange(ref _isAwaited, 0) != 0;
    }
}
