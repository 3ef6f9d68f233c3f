using Akka.Actor;
using Akka.Persistence;

namespace Berth.Manager.Store;

/// <summary>Reads the store once, as far as it goes, for a standby: what it shows while nobody leads, and what the journal's plugin
/// needs to be warm. It writes nothing.</summary>
internal sealed class StoreReader : ReceivePersistentActor
{
    private readonly IActorRef _to;
    private readonly SnapshotFiles _files;
    private readonly JournalReading _reading = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <param name="to">Who is told <see cref="Read"/>.</param>
    /// <param name="options">How the store is kept.</param>
    /// <param name="start">Its plugins.</param>
    /// <param name="time">The clock.</param>
    public StoreReader(IActorRef to, StoreOptions options, StoreStart start, TimeProvider time)
    {
        _to = to;
        JournalPluginId = start.JournalPluginId;
        SnapshotPluginId = start.SnapshotPluginId;
        _files = new SnapshotFiles(Context.System, start.SnapshotPluginId.Length == 0 ? null : start.SnapshotPluginId, options.ChunkBytes, time);
        Recover<SnapshotOffer>(offer => _reading.Offer(offer.Snapshot));
        Recover<Commit>(commit => _reading.Replay(commit, LastSequenceNr));
        Recover<RecoveryCompleted>(_ => _reading.FinishAsync(_files, _stopping.Token).PipeTo(Self, success: state => new Read(state, null)));
        Command<Read>(Tell);
        Command<Status.Failure>(failure => Tell(new Read(null, failure.Cause)));
    }

    /// <inheritdoc/>
    public override string PersistenceId => StoreActor.JournalId;

    /// <summary>How to make one.</summary>
    public static Props Props(IActorRef to, StoreOptions options, StoreStart start, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new StoreReader(to, options, start, time)).WithDispatcher(StoreSetup.Dispatcher);

    /// <inheritdoc/>
    protected override void OnRecoveryFailure(Exception reason, object? message = null) => _to.Tell(new Read(null, reason));

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        base.PostStop();
    }

    private void Tell(Read read)
    {
        _to.Tell(read);
        Context.Stop(Self);
    }

    /// <summary>The store was read.</summary>
    /// <param name="State">What it holds; null when it could not be read.</param>
    /// <param name="Failure">Why not.</param>
    internal sealed record Read(ClusterState? State, Exception? Failure);
}
