using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <content>Reading the journal at the start, snapshots, and what happens when the files fail.</content>
public sealed partial class StoreActor
{
    private readonly List<Commit> _replayed = [];
    private V1.SnapshotHeader? _header;
    private long _nextChunk = 1;
    private int _commitsSinceSnapshot;
    private int _changesSinceSnapshot;
    private bool _isSnapshotting;

    private void Recovering()
    {
        Recover<SnapshotOffer>(offer =>
        {
            var held = offer.Snapshot as HeldState;
            _newest = held?.State ?? _newest;
            var newest = held is null ? (V1.SnapshotHeader)offer.Snapshot : held.Header;
            _nextChunk = newest is null ? 1 : newest.FirstChunk + newest.Chunks;
            if (held is null)
                _header = newest;
        });
        // With a snapshot, its chunks are read only after the replay; until then the few commits since are kept aside.
        Recover<Commit>(commit =>
        {
            _commitsSinceSnapshot++;
            _changesSinceSnapshot += commit.Changes.Length;
            if (commit.Index != LastSequenceNr)
                throw new InvalidDataException($"row {LastSequenceNr} of the journal holds commit {commit.Index}");
            if (_header is null)
                _newest = Next(_newest, commit);
            else
                _replayed.Add(commit);
        });
        Recover<RecoveryCompleted>(_ => OnRecovered());
    }

    private void OnRecovered()
    {
        if (_header is not { } header)
        {
            BeginTerm();
            return;
        }
        Become(() =>
        {
            Command<Loaded>(loaded => OnLoaded(loaded.State));
            Command<Status.Failure>(failure => _failure.Stop(
                $"the snapshot in {_options.Directory} cannot be read; restore the directory from a backup", failure.Cause));
            Command<object>(_ => Stash.Stash());
        });
        _files.LoadAsync(header, _stopping.Token).PipeTo(Self, success: state => new Loaded(state));
    }

    private void OnLoaded(ClusterState snapshot)
    {
        _newest = _replayed.Aggregate(snapshot, Next);
        _replayed.Clear();
        _replayed.TrimExcess();
        BeginTerm();
    }

    private static ClusterState Next(ClusterState state, Commit commit) => commit.Index == state.Index + 1
        ? state.Apply(commit)
        : throw new InvalidDataException($"commit {commit.Index} follows commit {state.Index} in the journal; what is between them is missing");

    // The first commit of a term; nothing is published, and no agent hears anything, before it is durable.
    private void BeginTerm()
    {
        ImmutableArray<Change> formed = _newest.ClusterId is null ? [new Change.ClusterFormed(new ClusterId(_ids.Next()))] : [];
        // A journal may be older than its store's record of who leads: agents know its terms, so they never go back.
        Append([.. formed, new Change.LeaderElected(Math.Max(_start.Epoch, _newest.Epoch + 1))]);
        _log.Info("store recovered: index {0}, epoch {1}, {2} nodes, {3} services, {4} tasks",
            _newest.Index, _newest.Epoch, _newest.Nodes.Count, _newest.Services.Count, _newest.Tasks.Count);
        Become(Lead);
        Stash.UnstashAll();
    }

    private void Snapshotting()
    {
        Command<SnapshotSaved>(saved =>
        {
            _isSnapshotting = false;
            _nextChunk = saved.NextChunk;
            DeleteMessages(saved.SequenceNr);
        });
        Command<SnapshotFailed>(failed =>
        {
            _isSnapshotting = false;
            if (FencedException.IsIn(failed.Cause))
                _failure.LoseLead($"the store refused a snapshot: {failed.Cause.GetBaseException().Message}");
            _log.Warning(failed.Cause, "no snapshot was made in {0}: the journal grows until the next attempt succeeds; is the disk full?", _options.Directory);
        });
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteMessagesFailure>(failure =>
            _log.Warning(failure.Cause, "old rows of the journal in {0} were not deleted; they go with the next snapshot", _options.Directory));
    }

    private void CountTowardsSnapshot(Writing written)
    {
        _commitsSinceSnapshot += written.Commits.Count;
        _changesSinceSnapshot += written.Commits.Sum(commit => commit.Changes.Length);
        if (_isSnapshotting || (_commitsSinceSnapshot < _options.SnapshotCommits && _changesSinceSnapshot < _options.SnapshotChanges))
            return;
        _isSnapshotting = true;
        _commitsSinceSnapshot = _changesSinceSnapshot = 0;
        var (state, sequenceNr, first, stop) = (written.State, LastSequenceNr, _nextChunk, _stopping.Token);
        Task.Run(() => _files.SaveAsync(state, sequenceNr, first, stop), stop).PipeTo(
            Self, success: next => new SnapshotSaved(sequenceNr, next), failure: cause => new SnapshotFailed(cause));
    }

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        if (FencedException.IsIn(cause))
            _failure.LoseLead($"the store refused a commit: {cause.GetBaseException().Message}. Nothing of it was acknowledged");
        _failure.Stop(
            $"the journal in {_options.Directory} cannot be written: {cause.GetBaseException().Message}. Nothing of it was acknowledged. "
            + "Free space on its disk, or restore the directory from a backup, then start the manager again", cause);
        base.OnPersistFailure(cause, @event, sequenceNr);
    }

    /// <inheritdoc/>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _failure.Stop($"the journal in {_options.Directory} refused a commit: {cause.GetBaseException().Message}. Nothing of it was acknowledged", cause);
        base.OnPersistRejected(cause, @event, sequenceNr);
    }

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        _failure.Stop(
            $"the journal in {_options.Directory} cannot be read: {reason.GetBaseException().Message}. "
            + "Restore the directory from a backup; the manager does not start on a part of its state", reason);
        base.OnRecoveryFailure(reason, message);
    }

    /// <inheritdoc/>
    protected override void PreRestart(Exception reason, object message)
    {
        // A bug: the state in memory may be half changed. A fresh process reads what is durable.
        _failure.Stop($"the store failed at a {message?.GetType().Name}: {reason.Message}. Start the manager again; please report this", reason);
        base.PreRestart(reason, message!);
    }

    private sealed record Loaded(ClusterState State);

    private sealed record SnapshotSaved(long SequenceNr, long NextChunk);

    private sealed record SnapshotFailed(Exception Cause);
}
