using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;

namespace Berth.Manager.Orchestration;

/// <summary>Keeps every service as it is wanted: asks <see cref="ServiceDecider"/> about services that changed or whose time
/// has come, and proposes what it says.</summary>
/// <remarks>Decisions are made in rounds: one proposal a service, all sent at once; the next round begins when all are
/// answered, on a state that holds them. Between rounds it rests in proportion to how long the last one took, so that a
/// storm of reports cannot make it take a core.</remarks>
public sealed class OrchestrationActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromHours(1);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private const int RestFactor = 4;

    /// <summary>Changes proposed in one round; what a service needs beyond that is decided again in the next. A deployment of
    /// tens of thousands of tasks must not stand in the store as one block before everybody's commands.</summary>
    public const int ChangesPerRound = 4000;

    private readonly IActorRef _store;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<ServiceId> _dirty = [];
    private readonly Dictionary<ServiceId, DateTimeOffset> _agenda = [];
    private readonly HashSet<ServiceId> _proposed = [];
    private readonly HashSet<ServiceId> _settled = [];
    private ClusterState _state = ClusterState.Empty;
    private int _unanswered;
    private bool _isResting;

    /// <summary>Made by <see cref="OrchestrationSetup.AddOrchestration"/>.</summary>
    public OrchestrationActor(IActorRef store, TimeProvider time, IdSource ids)
    {
        _store = store;
        _time = time;
        _ids = ids;
        Receive<StoreProtocol.StateChanged>(OnStateChanged);
        Receive<StoreProtocol.Committed>(_ => OnAnswer());
        Receive<StoreProtocol.Stale>(OnStale);
        Receive<DecideNow>(_ => OnDecideNow());
        Receive<Unanswered>(_ => OnUnanswered());
    }

    /// <summary>The system's timers, set by Akka.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));

    // What failed once probably fails again, and the same state comes at once: without a rest it would fail in a storm.
    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        Rest(LongestRest);
    }

    private void OnStateChanged(StoreProtocol.StateChanged changed)
    {
        _dirty.UnionWith(Concerned.By(_state, changed.State, changed.Touched, _settled));
        _state = changed.State;
        DecideWhenFree();
    }

    private void OnAnswer()
    {
        _unanswered = Math.Max(0, _unanswered - 1);
        DecideWhenFree();
    }

    // Which of the proposals was refused is not said; deciding again costs little, and what took effect is decided no more.
    private void OnStale(StoreProtocol.Stale stale)
    {
        _log.Debug("A decision was made on an old state ({0}); deciding again.", stale.What);
        _dirty.UnionWith(_proposed);
        OnAnswer();
    }

    private void OnDecideNow()
    {
        _isResting = false;
        DecideWhenFree();
    }

    private void OnUnanswered()
    {
        _log.Warning("The store left {0} proposals unanswered for {1} s; subscribing anew and deciding again.", _unanswered, AnswerTimeout.TotalSeconds);
        _unanswered = 0;
        _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));
        _dirty.UnionWith(_proposed);
        DecideWhenFree();
    }

    private void DecideWhenFree()
    {
        if (_unanswered > 0 || _isResting)
            return;
        Timers.Cancel(Unanswered.Instance);
        var now = _time.GetUtcNow();
        foreach (var (service, at) in _agenda)
        {
            if (at <= now)
                _dirty.Add(service);
        }
        if (_dirty.Count > 0)
            DecideRound(now);
        else
            WakeForAgenda(now);
    }

    private void DecideRound(DateTimeOffset now)
    {
        var started = Stopwatch.GetTimestamp();
        var left = ChangesPerRound;
        _proposed.Clear();
        foreach (var service in _dirty.ToList())
        {
            if (left == 0)
                break;
            using var span = BerthTrace.Continue("orchestrate", _state.Services.GetValueOrDefault(service)?.TraceAt(now));
            var decision = ServiceDecider.Decide(_state, service, now, _ids);
            if (decision.Changes.IsEmpty)
                BerthTrace.Discard(span);
            if (decision.AskAgainAt is { } at)
                _agenda[service] = at;
            else
                _agenda.Remove(service);
            if (decision.IsSettled)
                _settled.Add(service);
            else
                _settled.Remove(service);
            // What is decided is level-triggered: a part of it, in its order, leads to the rest.
            var isWhole = decision.Changes.Length <= left;
            if (!decision.Changes.IsEmpty)
                Propose(service, isWhole ? decision.Changes : decision.Changes[..left], BerthTrace.ParentOf(span));
            if (!isWhole)
                break;
            left -= decision.Changes.Length;
            _dirty.Remove(service);
        }
        DeciderMetrics.Passed("orchestration", Stopwatch.GetElapsedTime(started));
        if (_unanswered > 0)
            Timers.StartSingleTimer(Unanswered.Instance, Unanswered.Instance, AnswerTimeout);
        // While the limit holds work back, waiting for the answers is rest enough.
        if (_dirty.Count == 0)
            Rest(Stopwatch.GetElapsedTime(started) * RestFactor);
    }

    private void Propose(ServiceId service, ImmutableArray<Change> changes, string trace)
    {
        _proposed.Add(service);
        _unanswered++;
        _store.Tell(new StoreProtocol.Propose(_state.Index, changes) { Trace = trace });
    }

    private void Rest(TimeSpan rest)
    {
        _isResting = true;
        WakeIn(rest < ShortestRest ? ShortestRest : Min(rest, LongestRest));
    }

    private void WakeForAgenda(DateTimeOffset now)
    {
        if (_agenda.Count > 0)
            WakeIn(Min(_agenda.Values.Min() - now, LongestSleep));
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private void WakeIn(TimeSpan rest) => Timers.StartSingleTimer(DecideNow.Instance, DecideNow.Instance, rest);

    private sealed record DecideNow
    {
        public static readonly DecideNow Instance = new();
    }

    private sealed record Unanswered
    {
        public static readonly Unanswered Instance = new();
    }
}
