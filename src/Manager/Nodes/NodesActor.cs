using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Berth.Manager.Nodes;

/// <summary>Watches who is silent, by <see cref="Membership"/>, and proposes what it finds.</summary>
/// <remarks>It looks when a session opens or ends, when nodes change, and at the next deadline. Between deadlines a tick
/// watches the manager itself: when the tick is late the manager was paused, heard nobody, and gives everyone a fresh
/// deadline instead of calling them down. Time is counted on the monotonic clock and only shown by the wall clock: one that
/// is set forward calls nobody down, and one that is set back hides nobody's silence. While the store does not answer, agents that
/// lost their session cannot begin another, since that is written down: nobody is called down, and when it answers again silence
/// counts anew as when a manager comes to lead. On a standby it hears no state and does
/// nothing; its clock begins when the manager comes to lead.</remarks>
public sealed class NodesActor : ReceiveActor
{
    private static readonly Counter<double> Missed = BerthMeter.Counter("berth.nodes.missed", "Times a node was called down because its heartbeats did not come.");

    private readonly IActorRef _store;
    private readonly Heartbeats _heartbeats;
    private readonly NodesOptions _options;
    private readonly ILease _lease;
    private readonly TimeProvider _time;
    private readonly ILogger<NodesActor> _log;
    private readonly HashSet<NodeId> _toLookAt = [];
    private long? _leadsSince;
    private ClusterState _state = ClusterState.Empty;
    private long _since;
    private long _lookedAt;
    private TimeSpan? _lookAgainAfter;
    private ITimer? _timer;
    private long _tickAt;
    private long? _withoutStoreSince;

    /// <summary>Made by the actor system.</summary>
    public NodesActor(
        IRequiredActor<StoreActor> store, Heartbeats heartbeats, IOptions<NodesOptions> options, ILease lease, TimeProvider time, ILogger<NodesActor> log)
    {
        _store = store.ActorRef;
        _heartbeats = heartbeats;
        _options = options.Value;
        _lease = lease;
        _time = time;
        _log = log;
        Receive<StoreProtocol.StateChanged>(OnStateChanged);
        Receive<NodesProtocol.SessionChanged>(changed => LookSoonAt(changed.Node));
        Receive<NodesProtocol.HeardAgain>(heard => LookSoonAt(heard.Node));
        Receive<LookNow>(_ => OnLookNow());
        Receive<Tick>(_ => OnTick());
        Receive<StoreProtocol.Committed>(_ => { });
        Receive<StoreProtocol.Stale>(_ => Look());
    }

    // A pause this long could have eaten enough beats to call a living node down.
    private TimeSpan LongestTrustedPause => _options.DownAfter / 2;

    private TimeSpan TickPeriod => _options.DownAfter / 8;

    // Null when no node can become down.
    private TimeSpan? UntilDeadline => _lookAgainAfter - _time.GetElapsedTime(_lookedAt);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));
    }

    // The first state is heard when this manager comes to lead: what it knows of nodes' silence counts from then.
    private void Begin()
    {
        _leadsSince = _since = _lookedAt = _tickAt = _time.GetTimestamp();
        _heartbeats.ForgetEnded();
        var self = Self;
        _timer = _time.CreateTimer(_ => self.Tell(Tick.Instance), null, TickPeriod, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    protected override void PostStop() => _timer?.Dispose();

    private void OnStateChanged(StoreProtocol.StateChanged change)
    {
        if (_leadsSince is null)
            Begin();
        var before = _state;
        _state = change.State;
        foreach (var node in change.Touched.Nodes)
        {
            if (before.Nodes.ContainsKey(node) && !_state.Nodes.ContainsKey(node))
                _heartbeats.Forget(node);
        }
        // Thousands of nodes that come back are told of one by one: nobody else's silence is affected.
        if (change.Touched.All)
            Look();
        else
            LookAt(change.Touched.Nodes);
    }

    private void OnTick()
    {
        NoticePause();
        _tickAt = _time.GetTimestamp();
        if (UntilDeadline <= TimeSpan.Zero || !_lease.IsValid || _withoutStoreSince is not null)
            Look();
        var untilDeadline = UntilDeadline ?? TickPeriod;
        _timer?.Change(untilDeadline < TickPeriod && untilDeadline > TimeSpan.Zero ? untilDeadline : TickPeriod, Timeout.InfiniteTimeSpan);
    }

    // Whether the store answers, as far as the lead in it tells.
    private bool HasStore()
    {
        if (!_lease.IsValid)
        {
            _withoutStoreSince ??= _time.GetTimestamp();
            return false;
        }
        if (_withoutStoreSince is { } since && _time.GetElapsedTime(since) is var away && away > LongestTrustedPause)
        {
            _log.LogWarning(
                "The store did not answer for {Seconds:0.0} s, and no agent could begin a session meanwhile; nodes have {StartGrace:0.0} s to be heard of",
                away.TotalSeconds, _options.StartGrace.TotalSeconds);
            _leadsSince = _since = _time.GetTimestamp();
            _heartbeats.ForgetEnded();
        }
        _withoutStoreSince = null;
        return true;
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
        _since = _tickAt = _time.GetTimestamp();
    }

    private void Look()
    {
        var (changes, deadline) = Decide(_state.Nodes.Values);
        LookAgainAfter(deadline);
        Propose(changes);
    }

    // Behind whatever is in the mailbox now: when many sessions change at once that becomes one proposal.
    private void LookSoonAt(NodeId node)
    {
        if (_toLookAt.Count == 0)
            Self.Tell(LookNow.Instance);
        _toLookAt.Add(node);
    }

    private void OnLookNow()
    {
        LookAt(_toLookAt);
        _toLookAt.Clear();
    }

    private void LookAt(IEnumerable<NodeId> ids)
    {
        if (_leadsSince is null || ids.Select(id => _state.Nodes.GetValueOrDefault(id)).OfType<Node>().ToList() is not { Count: > 0 } nodes)
            return;
        var (changes, deadline) = Decide(nodes);
        if (UntilDeadline is not { } known || deadline < known)
            LookAgainAfter(deadline);
        Propose(changes);
    }

    private void LookAgainAfter(TimeSpan? deadline) => (_lookedAt, _lookAgainAfter) = (_time.GetTimestamp(), deadline);

    private (ImmutableArray<Change> Changes, TimeSpan? Deadline) Decide(IEnumerable<Node> nodes)
    {
        NoticePause();
        if (!HasStore())
            return ([], TickPeriod);
        var now = _time.GetUtcNow();
        var reachability = Membership.Decide(
            nodes, node => ContactOf(node, now), now - _time.GetElapsedTime(_since), now - _time.GetElapsedTime(_leadsSince!.Value), now, _options,
            RejoinPace.Grace(_state.Nodes.Count));
        return (reachability.Changes, reachability.LookAgainAt - now);
    }

    private void Propose(ImmutableArray<Change> changes)
    {
        if (changes.IsEmpty)
            return;
        foreach (var observed in changes.OfType<Change.NodeObserved>())
        {
            if (observed.Status.State != NodeState.Down)
                continue;
            Missed.Add(1);
            _heartbeats.Find(observed.Id)?.Await();
        }
        _store.Tell(new StoreProtocol.Propose(_state.Index, changes, Partial: true));
    }

    private Contact ContactOf(NodeId node, DateTimeOffset now) =>
        _heartbeats.Find(node) is { HasBeaten: true } heart ? new Contact(now - heart.Silence, heart.Ended, heart.Restarts) : Contact.None;

    private sealed record LookNow
    {
        public static LookNow Instance { get; } = new();
    }

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }
}
