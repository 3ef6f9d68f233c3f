using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Serialization;
using Google.Protobuf;
using AkkaSerialization = Akka.Serialization.Serialization;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Akka's journal on etcd; made by Akka from the settings of <see cref="EtcdBackend"/>.</summary>
internal sealed class EtcdJournal : AsyncWriteJournal
{
    private readonly EtcdPlugins _etcd = EtcdPlugins.Of(Context.System);
    private readonly AkkaSerialization _serialization = Context.System.Serialization;
    private readonly CancellationTokenSource _stopping = new();
    private Task _written = Task.CompletedTask;

    /// <summary>Called by Akka with the plugin's settings; what it needs comes from <see cref="EtcdBackend.Bind"/>.</summary>
    public EtcdJournal(Config settings) => _ = settings;

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _stopping.Cancel();
        base.PostStop();
    }

    // Batches may be handed over while an earlier one is being written: each waits for the one before, and fails with it.
    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception?>?> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var writes = messages.ToList();
        var name = writes[0].PersistenceId;
        var commits = writes.Select(ToCommit).ToList();
        var written = _written = WriteAsync(_written, name, commits);
        await written;
        return null;
    }

    // Akka's own token ends with its patience, and then says "not written" of what may be written: it is not used.
    private async Task WriteAsync(Task before, string name, List<EtcdCommit> commits)
    {
        await before;
        foreach (var batch in EtcdBatches.Divide(commits, _etcd.Options.TransactionBytes, _etcd.Options.TransactionRows))
            await _etcd.Log.AppendAsync(name, batch, _stopping.Token);
    }

    /// <inheritdoc/>
    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) =>
        _etcd.Log.TruncateAsync(persistenceId, toSequenceNr, _stopping.Token);

    /// <inheritdoc/>
    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        _etcd.Log.HeadAsync(persistenceId, cancellationToken);

    /// <inheritdoc/>
    public override async Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max, Action<IPersistentRepresentation> recoveryCallback)
    {
        await foreach (var (number, row) in _etcd.Log.ReadAsync(persistenceId, fromSequenceNr, toSequenceNr, max, _stopping.Token))
        {
            var payload = _serialization.Deserialize(row.Payload.ToByteArray(), row.Serializer, row.Manifest);
            recoveryCallback(new Persistent(payload, number, persistenceId, row.Manifest, isDeleted: false, ActorRefs.NoSender, row.Writer, row.AtTicks));
        }
    }

    private EtcdCommit ToCommit(AtomicWrite write)
    {
        var rows = (IImmutableList<IPersistentRepresentation>)write.Payload;
        return new EtcdCommit(rows[0].SequenceNr, [.. rows.Select(row => EtcdRows.Write(_serialization, row.Payload, row.WriterGuid, row.Timestamp))]);
    }
}

/// <summary>Between what Akka hands over and the value of a key.</summary>
internal static class EtcdRows
{
    /// <summary>The value that holds <paramref name="payload"/>.</summary>
    public static ByteString Write(AkkaSerialization serialization, object payload, string writer, long at)
    {
        var serializer = serialization.FindSerializerFor(payload);
        return new EtcdRow
        {
            Serializer = serializer.Identifier,
            Manifest = AkkaSerialization.ManifestFor(serializer, payload),
            Payload = UnsafeByteOperations.UnsafeWrap(serializer.ToBinary(payload)),
            Writer = writer ?? "",
            AtTicks = at,
        }.ToByteString();
    }
}
