using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Berth.Model;
using Berth.Telemetry;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>The one owner of the cluster's state: decides commands, fits proposals, writes commits, publishes states.</summary>
/// <remarks>Group commit: while rows are on their way to the disk, more commands are decided on the newest state, not yet
/// durable; they become the next write. What is published, and acknowledged, is always durable but for its soft parts.
/// When a write fails the process ends: nothing of it was acknowledged.</remarks>
public sealed partial class StoreActor : ReceivePersistentActor
{
    /// <summary>Names the cluster's one log in the journal.</summary>
    internal const string JournalId = "cluster";

    private readonly ClusterView _view;
    private readonly StoreOptions _options;
    private readonly IStoreFailure _failure;
    private readonly IdSource _ids;
    private readonly TimeProvider _time;
    private readonly StoreStart _start;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SnapshotFiles _files;
    private readonly StoreMetrics _metrics;
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<IActorRef> _subscribers = [];

    private ClusterState _newest = ClusterState.Empty;
    private TouchedObjects _touched = new();
    private List<Commit> _waiting = [];
    private List<Acknowledgement> _acknowledgements = [];
    private List<Acknowledgement> _unproven = [];
    private ImmutableArray<Step>.Builder _steps = ImmutableArray.CreateBuilder<Step>();
    private List<StoreProtocol.Observe> _reports = [];
    private Writing? _writing;
    private bool _flushIsDue;
    private bool _isLeading;

    /// <summary>A store of the files in <paramref name="options"/>, in the term that <paramref name="start"/> names.</summary>
    public StoreActor(ClusterView view, StoreOptions options, IStoreFailure failure, IdSource ids, TimeProvider time, StoreStart start)
    {
        _start = start;
        JournalPluginId = start.JournalPluginId;
        _metrics = new StoreMetrics(NullIfEmpty(start.JournalPluginId) ?? Context.System.Settings.Config.GetString("akka.persistence.journal.plugin", ""));
        SnapshotPluginId = start.SnapshotPluginId;
        if (start.Held is { } held)
        {
            HeldStates.Of(Context.System).Next = new HeldStates.Offer(held, NullIfEmpty(start.SnapshotPluginId));
            SnapshotPluginId = HeldStateStore.PluginId;
        }
        _view = view;
        _options = options;
        _failure = failure;
        _ids = ids;
        _time = time;
        _files = new SnapshotFiles(Context.System, NullIfEmpty(start.SnapshotPluginId), options.ChunkBytes, time);
        Recovering();
        Command<object>(_ => Stash.Stash());
    }

    /// <inheritdoc/>
    public override string PersistenceId => JournalId;

    private static string? NullIfEmpty(string id) => id.Length == 0 ? null : id;

    private void Lead()
    {
        Command<StoreProtocol.Execute>(OnExecute);
        Command<StoreProtocol.Propose>(OnPropose);
        Command<StoreProtocol.Observe>(OnObserve);
        Command<StoreProtocol.Subscribe>(OnSubscribe);
        Command<Terminated>(stopped => _subscribers.Remove(stopped.ActorRef));
        Command<Flush>(_ => OnFlush());
        Command<StoreProtocol.LeaseRenewed>(_ => OnLeaseRenewed());
        Command<StoreProtocol.Drain>(_ => OnDrain());
        Snapshotting();
    }

    private void OnExecute(StoreProtocol.Execute execute)
    {
        var decision = Commands.Decide(_newest, execute.Command, _time.GetUtcNow(), _ids);
        if (decision.Refusal is { } refusal)
        {
            Answer(new Acknowledgement(Sender, refusal), isProven: false);
            return;
        }
        Append(Traced(decision.Changes, execute.Trace));
        // Also an "unchanged" waits for what it was decided on to be durable.
        // The decision's own result, which only a refusal lacks: no task is waited for here.
        Acknowledge(new StoreProtocol.Executed(_newest.Index, decision.Result!), execute.Trace);
    }

    // What follows from a command is decided later, and by whoever leads then: the state knows which command it was.
    private static ImmutableArray<Change> Traced(ImmutableArray<Change> changes, string trace) =>
        changes.Any(change => change is Change.ServicePut put && put.Service.Trace != trace)
            ? [.. changes.Select(change => change is Change.ServicePut put ? new Change.ServicePut(put.Service with { Trace = trace }) : change)]
            : changes;

    private void OnPropose(StoreProtocol.Propose proposal)
    {
        var fitting = Proposals.Fit(_newest, proposal);
        if (fitting.Stale is { } stale && !proposal.Partial)
        {
            Sender.Tell(new StoreProtocol.Stale(stale));
            return;
        }
        Append(fitting.Durable);
        Observe(fitting.Soft);
        Acknowledge(new StoreProtocol.Committed(_newest.Index, fitting.LeftOut), proposal.Trace);
    }

    private void OnObserve(StoreProtocol.Observe observe)
    {
        _reports.Add(observe);
        FlushSoon();
    }

    private void OnSubscribe(StoreProtocol.Subscribe subscribe)
    {
        if (_subscribers.Add(subscribe.Subscriber))
            Context.Watch(subscribe.Subscriber);
        if (_isLeading)
            subscribe.Subscriber.Tell(new StoreProtocol.StateChanged(_view.Current, Touched.Everything));
    }

    // The flush stands behind everything that is in the mailbox now: that becomes one write and one message.
    private void FlushSoon()
    {
        if (_flushIsDue)
            return;
        _flushIsDue = true;
        Self.Tell(Flush.Instance);
    }

    private void OnFlush()
    {
        _flushIsDue = false;
        TakeReports();
        if (_writing is null)
            WriteOrPublish();
    }

    private void TakeReports()
    {
        if (_reports.Count == 0)
            return;
        var changes = Observations.Decide(_newest, _reports);
        _reports = [];
        Append(changes.Ended);
        Observe(changes.Soft);
    }

    private void Append(ImmutableArray<Change> changes)
    {
        if (changes.IsEmpty)
            return;
        var commit = new Commit(_newest.Index + 1, _time.GetUtcNow(), changes);
        var before = _newest;
        _newest = before.Apply(commit);
        _touched.Add(changes.AsSpan(), before, _newest);
        _waiting.Add(commit);
        if (_start.Feed is not null)
            _steps.Add(Step.Of(commit));
        FlushSoon();
    }

    private void Observe(ImmutableArray<Change> changes)
    {
        if (changes.IsEmpty)
            return;
        var before = _newest;
        _newest = before.Observe(changes);
        _touched.Add(changes.AsSpan(), before, _newest);
        if (_start.Feed is not null)
            _steps.Add(Step.Of(changes));
        FlushSoon();
    }

    private void Acknowledge(object answer, string trace = "")
    {
        if (_writing is null && _waiting.Count == 0 && _touched.IsEmpty)
        {
            Answer(new Acknowledgement(Sender, answer), isProven: false);
            return;
        }
        _acknowledgements.Add(new Acknowledgement(Sender, answer) { Span = BerthTrace.Open("store append", trace) });
        FlushSoon();
    }

    // A write that the store took proves that this manager led when it was made. Any other answer is only as good as the
    // lease: a manager that awakes from a pause must not say what no longer holds.
    private void Answer(Acknowledgement acknowledgement, bool isProven)
    {
        if (!isProven && !_start.Lease.IsValid)
        {
            _unproven.Add(acknowledgement);
            return;
        }
        BerthTrace.End(acknowledgement.Span);
        acknowledgement.Asker.Tell(acknowledgement.Answer);
    }

    private void OnLeaseRenewed()
    {
        var waiting = _unproven;
        _unproven = [];
        foreach (var acknowledgement in waiting)
            Answer(acknowledgement, isProven: false);
    }

    private void OnDrain()
    {
        TakeReports();
        Acknowledge(new StoreProtocol.Drained(_newest));
    }

    private void WriteOrPublish()
    {
        if (_waiting.Count == 0)
        {
            Publish(_newest, _touched, _steps, _acknowledgements, isProven: false);
            (_touched, _steps, _acknowledgements) = (new TouchedObjects(), ImmutableArray.CreateBuilder<Step>(), []);
            return;
        }
        var writing = new Writing(_newest, _touched, _steps, _acknowledgements, _waiting);
        (_writing, _touched, _steps, _acknowledgements, _waiting) = (writing, new TouchedObjects(), ImmutableArray.CreateBuilder<Step>(), [], []);
        var left = writing.Commits.Count;
        var begun = _time.GetTimestamp();
        PersistAllAsync(writing.Commits, _ =>
        {
            if (--left > 0)
                return;
            _metrics.Appended(writing.Commits.Count, _time.GetElapsedTime(begun));
            OnWritten(writing);
        });
    }

    private void OnWritten(Writing written)
    {
        _writing = null;
        Publish(written.State, written.Touched, written.Steps, written.Acknowledgements, isProven: true);
        CountTowardsSnapshot(written);
        TakeReports();
        WriteOrPublish();
    }

    private void Publish(
        ClusterState state, TouchedObjects touched, ImmutableArray<Step>.Builder steps, List<Acknowledgement> acknowledgements, bool isProven)
    {
        if (!touched.IsEmpty)
        {
            var isFirst = !_isLeading;
            _isLeading = true;
            _view.Publish(state);
            var changed = new StoreProtocol.StateChanged(state, isFirst ? Touched.Everything : touched.ToTouched());
            foreach (var subscriber in _subscribers)
                subscriber.Tell(changed);
            if (isFirst)
                _start.Ready?.Invoke();
            _start.Feed?.Tell(new StoreProtocol.Published(state, steps.DrainToImmutable()));
        }
        foreach (var acknowledgement in acknowledgements)
            Answer(acknowledgement, isProven);
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        base.PostStop();
    }

    private sealed record Flush
    {
        public static Flush Instance { get; } = new();
    }

    private sealed record Acknowledgement(IActorRef Asker, object Answer)
    {
        public Activity? Span { get; init; }
    }

    private sealed record Writing(
        ClusterState State, TouchedObjects Touched, ImmutableArray<Step>.Builder Steps, List<Acknowledgement> Acknowledgements,
        List<Commit> Commits);
}
