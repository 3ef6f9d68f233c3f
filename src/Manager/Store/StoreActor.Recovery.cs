using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <content>Reading the journal at the start, snapshots, and what happens when the files fail.</content>
public sealed partial class StoreActor
{
    private readonly JournalReading _reading = new();
    private long _nextChunk = 1;
    private int _commitsSinceSnapshot;
    private int _changesSinceSnapshot;
    private bool _isSnapshotting;
    private (ClusterState State, long SequenceNr) _written = (ClusterState.Empty, 0);
    private long _snapshotSequenceNr;
    private long _snapshotBegun;
    private List<IActorRef> _snapshotAskers = [];
    private List<IActorRef> _snapshotAnswers = [];

    private void Recovering()
    {
        Recover<SnapshotOffer>(offer => _reading.Offer(offer.Snapshot));
        Recover<Commit>(commit => _reading.Replay(commit, LastSequenceNr));
        Recover<RecoveryCompleted>(_ => OnRecovered());
    }

    private void OnRecovered()
    {
        _nextChunk = _reading.NextChunk;
        (_commitsSinceSnapshot, _changesSinceSnapshot) = _reading.Replayed;
        var finished = _reading.FinishAsync(_files, _stopping.Token);
        // Without a snapshot there is nothing to wait for: the result is there, and reading it blocks nobody.
        if (finished.IsCompletedSuccessfully)
        {
            BeginTerm(finished.Result);
            return;
        }
        Become(() =>
        {
            Command<Loaded>(loaded => BeginTerm(loaded.State));
            Command<Status.Failure>(failure => _failure.Stop(
                NewerReleaseException.In(failure.Cause)?.Message ?? $"the snapshot in {_options.Directory} cannot be read; restore the directory from a backup", failure.Cause));
            Command<object>(_ => Stash.Stash());
        });
        finished.PipeTo(Self, success: state => new Loaded(state));
    }

    // The first commit of a term; nothing is published, and no agent hears anything, before it is durable.
    private void BeginTerm(ClusterState recovered)
    {
        _newest = recovered;
        ImmutableArray<Change> formed = _newest.ClusterId is null ? Formed(new ClusterId(_ids.Next())) : [];
        // A journal may be older than its store's record of who leads: agents know its terms, so they never go back.
        Append([.. formed, new Change.LeaderElected(Math.Max(_start.Epoch, _newest.Epoch + 1))]);
        _log.Info("store recovered: index {0}, epoch {1}, {2} nodes, {3} services, {4} tasks",
            _newest.Index, _newest.Epoch, _newest.Nodes.Count, _newest.Services.Count, _newest.Tasks.Count);
        Become(Lead);
        Stash.UnstashAll();
    }

    // A new cluster has no manager of an earlier release to wait for.
    private static ImmutableArray<Change> Formed(ClusterId id) =>
        ReleaseLevel.Own > ReleaseLevel.First ? [new Change.ClusterFormed(id), new Change.LevelRaised(ReleaseLevel.Own)] : [new Change.ClusterFormed(id)];

    private void Snapshotting()
    {
        Command<SnapshotSaved>(saved =>
        {
            _isSnapshotting = false;
            _nextChunk = saved.NextChunk;
            _metrics.SnapshotWritten(_time.GetElapsedTime(_snapshotBegun));
            DeleteMessages(saved.SequenceNr);
        });
        Command<StoreProtocol.TakeSnapshot>(_ =>
        {
            _snapshotAskers.Add(Sender);
            SnapshotIfAsked();
        });
        Command<SnapshotFailed>(failed =>
        {
            _isSnapshotting = false;
            _metrics.SnapshotFailed();
            if (FencedException.IsIn(failed.Cause))
                _failure.LoseLead($"the store refused a snapshot: {failed.Cause.GetBaseException().Message}");
            _log.Warning(failed.Cause, "no snapshot was made in {0}: the journal grows until the next attempt succeeds; is the disk full?", _options.Directory);
            AnswerSnapshotAskers(StoreProtocol.SnapshotNotTaken.Instance);
        });
        Command<DeleteMessagesSuccess>(deleted =>
        {
            // One that belongs to an earlier snapshot says nothing of the one that was asked for.
            if (!_isSnapshotting && deleted.ToSequenceNr >= _snapshotSequenceNr)
                AnswerSnapshotAskers(StoreProtocol.SnapshotTaken.Instance);
        });
        Command<DeleteMessagesFailure>(failure =>
        {
            _log.Warning(failure.Cause, "old rows of the journal in {0} were not deleted; they go with the next snapshot", _options.Directory);
            AnswerSnapshotAskers(StoreProtocol.SnapshotNotTaken.Instance);
        });
    }

    // What is on its way to the disk is waited for: its rows were made before the snapshot was asked for.
    private void SnapshotIfAsked()
    {
        if (_snapshotAskers.Count > 0 && !_isSnapshotting && _snapshotAnswers.Count == 0 && _writing is null && _written.SequenceNr > 0)
            BeginSnapshot();
    }

    private void AnswerSnapshotAskers(object answer)
    {
        foreach (var asker in _snapshotAnswers)
            asker.Tell(answer);
        _snapshotAnswers = [];
        SnapshotIfAsked();
    }

    private void BeginSnapshot()
    {
        _isSnapshotting = true;
        _snapshotBegun = _time.GetTimestamp();
        _commitsSinceSnapshot = _changesSinceSnapshot = 0;
        (_snapshotAnswers, _snapshotAskers) = (_snapshotAskers, []);
        var ((state, sequenceNr), first, stop) = (_written, _nextChunk, _stopping.Token);
        _snapshotSequenceNr = sequenceNr;
        Task.Run(() => _files.SaveAsync(state, sequenceNr, first, stop), stop).PipeTo(
            Self, success: next => new SnapshotSaved(sequenceNr, next), failure: cause => new SnapshotFailed(cause));
    }

    private void CountTowardsSnapshot(Writing written)
    {
        _commitsSinceSnapshot += written.Commits.Count;
        _changesSinceSnapshot += written.Commits.Sum(commit => commit.Changes.Length);
        _written = (written.State, LastSequenceNr);
        if (!_isSnapshotting && _snapshotAnswers.Count == 0
            && (_commitsSinceSnapshot >= _options.SnapshotCommits || _changesSinceSnapshot >= _options.SnapshotChanges))
        {
            BeginSnapshot();
        }
        SnapshotIfAsked();
    }

    /// <inheritdoc/>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        if (FencedException.IsIn(cause))
        {
            _metrics.Fenced();
            _failure.LoseLead($"the store refused a commit: {cause.GetBaseException().Message}. Nothing of it was acknowledged");
        }
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
            NewerReleaseException.In(reason)?.Message ?? $"the journal in {_options.Directory} cannot be read: {reason.GetBaseException().Message}. "
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
