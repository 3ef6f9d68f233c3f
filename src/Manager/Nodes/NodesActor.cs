using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Berth.Manager.Nodes;

/// <summary>Watches who is silent, by <see cref="Membership"/>, and proposes what it finds.</summary>
/// <remarks>It looks when a session opens or ends, when nodes change, and at the next deadline. Between deadlines a tick
/// watches the manager itself: when the tick is late the manager was paused, heard nobody, and gives everyone a fresh
/// deadline instead of calling them down.</remarks>
public sealed class NodesActor : ReceiveActor
{
    private readonly IActorRef _store;
    private readonly Heartbeats _heartbeats;
    private readonly NodesOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<NodesActor> _log;
    private readonly DateTimeOffset _startedAt;
    private ClusterState _state = ClusterState.Empty;
    private DateTimeOffset _since;
    private DateTimeOffset? _lookAgainAt;
    private ITimer? _timer;
    private long _tickAt;

    /// <summary>Made by the actor system.</summary>
    public NodesActor(
        IRequiredActor<StoreActor> store, Heartbeats heartbeats, IOptions<NodesOptions> options, TimeProvider time, ILogger<NodesActor> log)
    {
        _store = store.ActorRef;
        _heartbeats = heartbeats;
        _options = options.Value;
        _time = time;
        _log = log;
        _startedAt = _since = time.GetUtcNow();
        Receive<StoreProtocol.StateChanged>(OnStateChanged);
        Receive<NodesProtocol.SessionChanged>(changed => LookAt(changed.Node));
        Receive<NodesProtocol.HeardAgain>(heard => LookAt(heard.Node));
        Receive<Tick>(_ => OnTick());
        Receive<StoreProtocol.Committed>(_ => { });
        Receive<StoreProtocol.Stale>(_ => Look());
        Receive<StoreProtocol.Refused>(refused => _log.LogError("The store refused what is known of nodes: {Reason}", refused.Message));
    }

    // A pause this long could have eaten enough beats to call a living node down.
    private TimeSpan LongestTrustedPause => _options.DownAfter / 2;

    private TimeSpan TickPeriod => _options.DownAfter / 8;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _store.Tell(new StoreProtocol.Subscribe(Self));
        var self = Self;
        _tickAt = _time.GetTimestamp();
        _timer = _time.CreateTimer(_ => self.Tell(Tick.Instance), null, TickPeriod, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    protected override void PostStop() => _timer?.Dispose();

    private void OnStateChanged(StoreProtocol.StateChanged change)
    {
        var before = _state;
        _state = change.State;
        if (!change.Touched.All && change.Touched.Nodes.IsEmpty)
            return;
        foreach (var node in change.Touched.Nodes)
        {
            if (before.Nodes.ContainsKey(node) && !_state.Nodes.ContainsKey(node))
                _heartbeats.Forget(node);
        }
        Look();
    }

    private void OnTick()
    {
        NoticePause();
        _tickAt = _time.GetTimestamp();
        var now = _time.GetUtcNow();
        if (_lookAgainAt <= now)
            Look();
        var untilDeadline = _lookAgainAt - now ?? TickPeriod;
        _timer?.Change(untilDeadline < TickPeriod && untilDeadline > TimeSpan.Zero ? untilDeadline : TickPeriod, Timeout.InfiniteTimeSpan);
    }

    // Before every look: after a pause, other messages may be handled before the late tick.
    private void NoticePause()
    {
        var pause = _time.GetElapsedTime(_tickAt);
        if (pause <= LongestTrustedPause)
            return;
        _log.LogWarning(
            "The manager was paused for {Seconds:0.0} s and heard no node meanwhile; every node gets a fresh {DownAfter:0.0} s",
            pause.TotalSeconds, _options.DownAfter.TotalSeconds);
        _tickAt = _time.GetTimestamp();
        _since = _time.GetUtcNow();
    }

    private void Look()
    {
        var reachability = Decide(_state.Nodes.Values);
        _lookAgainAt = reachability.LookAgainAt;
        Propose(reachability);
    }

    // One node's session opened or ended: nobody else's silence is affected.
    private void LookAt(NodeId id)
    {
        if (!_state.Nodes.TryGetValue(id, out var node))
            return;
        var reachability = Decide([node]);
        if (_lookAgainAt is null || reachability.LookAgainAt < _lookAgainAt)
            _lookAgainAt = reachability.LookAgainAt;
        Propose(reachability);
    }

    private Reachability Decide(IEnumerable<Node> nodes)
    {
        NoticePause();
        var now = _time.GetUtcNow();
        return Membership.Decide(nodes, node => ContactOf(node, now), _since, _startedAt, now, _options);
    }

    private void Propose(Reachability reachability)
    {
        if (reachability.Changes.IsEmpty)
            return;
        foreach (var observed in reachability.Changes.OfType<Change.NodeObserved>())
        {
            if (observed.Status.State == NodeState.Down)
                _heartbeats.Find(observed.Id)?.Await();
        }
        _store.Tell(new StoreProtocol.Propose(_state.Index, reachability.Changes, Partial: true));
    }

    private Contact ContactOf(NodeId node, DateTimeOffset now) =>
        _heartbeats.Find(node) is { HasBeaten: true } heart ? new Contact(now - heart.Silence, heart.Ended) : Contact.None;

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }
}
