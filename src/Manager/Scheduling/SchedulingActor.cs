using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Scheduling;

/// <summary>Runs <see cref="Scheduler"/> whenever something changed that may let a task be placed, and proposes what it decides.</summary>
/// <remarks>One proposal is under way at a time; whatever changes meanwhile is looked at together in the next pass.</remarks>
public sealed class SchedulingActor : ReceiveActor, IWithTimers
{
    // The store answers every proposal; a lost answer (it was restarted) must not stop scheduling for ever.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    // What failed once probably fails again, and the same state comes at once.
    private static readonly TimeSpan RestAfterFailure = TimeSpan.FromMilliseconds(500);

    private readonly IActorRef _store;
    private readonly TimeProvider _time;
    private readonly ILogger<SchedulingActor> _log;
    private ClusterState _state = ClusterState.Empty;
    private ClusterUsage _usage = new();
    private ClusterState? _decidedOn;
    private bool _passIsDue;
    private bool _wasLeftOut;
    private bool _isWaitingForStore;
    private bool _isResting;

    /// <summary>Made by the actor system.</summary>
    public SchedulingActor(IRequiredActor<StoreActor> store, TimeProvider time, ILogger<SchedulingActor> log)
    {
        _store = store.ActorRef;
        _time = time;
        _log = log;
        Receive<StoreProtocol.StateChanged>(OnStateChanged);
        Receive<RunPass>(_ => OnRunPass());
        Receive<StoreProtocol.Committed>(OnCommitted);
        Receive<StoreProtocol.Stale>(_ => OnAnswered(again: true));
        Receive<AnswerIsLate>(_ => OnAnswerIsLate());
        Receive<Rested>(_ => OnRested());
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));

    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        _isResting = true;
        Timers.StartSingleTimer(Rested.Instance, Rested.Instance, RestAfterFailure);
    }

    private void OnRested()
    {
        _isResting = false;
        OnRunPass();
    }

    private void OnStateChanged(StoreProtocol.StateChanged change)
    {
        var before = _state;
        _state = change.State;
        var matters = _wasLeftOut || change.Touched.All || !change.Touched.Nodes.IsEmpty || before.Unassigned != _state.Unassigned;
        if (change.Touched.All)
            _usage = ClusterUsage.Of(_state);
        else
            matters |= _usage.Update(before, _state, change.Touched.Tasks);
        _wasLeftOut = false;
        if (matters)
            RequestPass();
    }

    // The request queues behind changes that already arrived, so that one pass serves them all.
    private void RequestPass()
    {
        if (_passIsDue || _state.Unassigned.IsEmpty)
            return;
        _passIsDue = true;
        if (!_isWaitingForStore)
            Self.Tell(RunPass.Instance);
    }

    private void OnRunPass()
    {
        if (!_passIsDue || _isWaitingForStore || _isResting)
            return;
        _passIsDue = false;
        var (begun, now) = (_time.GetTimestamp(), _time.GetUtcNow());
        using var span = BerthTrace.Continue("schedule", TraceOfWaiting(now));
        var placements = Scheduler.Decide(_state, _usage, now);
        DeciderMetrics.Passed("scheduling", _time.GetElapsedTime(begun));
        if (placements.Changes.IsEmpty)
        {
            BerthTrace.Discard(span);
            return;
        }

        _passIsDue = !placements.IsComplete;
        _isWaitingForStore = true;
        _decidedOn = _state;
        Timers.StartSingleTimer(AnswerIsLate.Instance, AnswerIsLate.Instance, AnswerTimeout);
        _store.Tell(new StoreProtocol.Propose(_state.Index, placements.Changes, Partial: true) { Trace = BerthTrace.ParentOf(span) });
    }

    // A pass places tasks of many services; its span belongs to one of them that is traced.
    private string TraceOfWaiting(DateTimeOffset now) => !BerthTrace.IsOn
        ? ""
        : _state.Unassigned.Select(id => _state.Tasks.GetValueOrDefault(id)?.ServiceId).OfType<ServiceId>().Distinct()
            .Select(service => _state.Services.GetValueOrDefault(service)?.TraceAt(now) ?? "").FirstOrDefault(trace => trace.Length > 0, "");

    private void OnCommitted(StoreProtocol.Committed committed) => OnAnswered(again: committed.LeftOut > 0);

    private void OnAnswered(bool again)
    {
        Timers.Cancel(AnswerIsLate.Instance);
        _isWaitingForStore = false;
        // The same state would give the same proposal: what was left out waits for a newer one.
        _wasLeftOut = again && ReferenceEquals(_state, _decidedOn);
        var isDue = _passIsDue || again && !_wasLeftOut;
        _passIsDue = false;
        if (isDue)
            RequestPass();
    }

    private void OnAnswerIsLate()
    {
        _log.LogWarning("The store has not answered the scheduler for {Seconds} s; subscribing anew", AnswerTimeout.TotalSeconds);
        _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));
        OnAnswered(again: false);
    }

    private sealed record RunPass
    {
        public static RunPass Instance { get; } = new();
    }

    private sealed record Rested
    {
        public static Rested Instance { get; } = new();
    }

    private sealed record AnswerIsLate
    {
        public static AnswerIsLate Instance { get; } = new();
    }
}
