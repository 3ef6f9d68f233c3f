using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;
using AkkaSerialization = Akka.Serialization.Serialization;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Akka's snapshot store on etcd; made by Akka from the settings of <see cref="EtcdBackend"/>.</summary>
/// <remarks>A snapshot is one value: who makes large ones divides them (see <see cref="Store.StoreOptions.ChunkBytes"/>).</remarks>
internal sealed class EtcdSnapshots : SnapshotStore
{
    private const int Page = 64;

    private readonly EtcdPlugins _etcd = EtcdPlugins.Of(Context.System);
    private readonly AkkaSerialization _serialization = Context.System.Serialization;
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Called by Akka with the plugin's settings; what it needs comes from <see cref="EtcdBackend.Bind"/>.</summary>
    public EtcdSnapshots(Config settings) => _ = settings;

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _stopping.Cancel();
        base.PostStop();
    }

    /// <inheritdoc/>
    protected override async Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var end = criteria.MaxSequenceNr == long.MaxValue ? long.MaxValue : criteria.MaxSequenceNr + 1;
        while (true)
        {
            var newest = await _etcd.Client.RangeAsync(new V3.RangeRequest
            {
                Key = EtcdKeys.Snapshot(persistenceId, criteria.MinSequenceNr),
                RangeEnd = EtcdKeys.Snapshot(persistenceId, end),
                SortOrder = V3.RangeRequest.Types.SortOrder.Descend,
                Limit = 1,
            }, cancellationToken);
            if (newest.Kvs.Count == 0)
                return null;
            var number = EtcdKeys.NumberOf(newest.Kvs[0].Key);
            var row = EtcdRow.Parser.ParseFrom(newest.Kvs[0].Value);
            if (Fits(criteria, row))
            {
                var snapshot = _serialization.Deserialize(row.Payload.ToByteArray(), row.Serializer, row.Manifest);
                return new SelectedSnapshot(new SnapshotMetadata(persistenceId, number, new DateTime(row.AtTicks, DateTimeKind.Utc)), snapshot);
            }
            end = number;
        }
    }

    /// <inheritdoc/>
    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken)
    {
        var row = EtcdRows.Write(_serialization, snapshot, "", metadata.Timestamp.ToUniversalTime().Ticks);
        var put = EtcdTransaction.Put(EtcdKeys.Snapshot(metadata.PersistenceId, metadata.SequenceNr), row);
        return _etcd.Log.ChangeAsync([put], $"part {metadata.SequenceNr} of a snapshot", _stopping.Token);
    }

    /// <inheritdoc/>
    protected override Task DeleteAsync(SnapshotMetadata metadata, CancellationToken cancellationToken) =>
        DeleteAsync(metadata.PersistenceId, metadata.SequenceNr, metadata.SequenceNr + 1);

    /// <inheritdoc/>
    protected override async Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var end = criteria.MaxSequenceNr == long.MaxValue ? long.MaxValue : criteria.MaxSequenceNr + 1;
        if (criteria.MaxTimeStamp == DateTime.MaxValue && criteria.MinTimestamp is null)
        {
            await DeleteAsync(persistenceId, criteria.MinSequenceNr, end);
            return;
        }
        for (var next = criteria.MinSequenceNr; ;)
        {
            var page = await _etcd.Client.RangeAsync(new V3.RangeRequest
            {
                Key = EtcdKeys.Snapshot(persistenceId, next),
                RangeEnd = EtcdKeys.Snapshot(persistenceId, end),
                SortOrder = V3.RangeRequest.Types.SortOrder.Ascend,
                Limit = Page,
            }, cancellationToken);
            foreach (var pair in page.Kvs)
            {
                next = EtcdKeys.NumberOf(pair.Key) + 1;
                if (Fits(criteria, EtcdRow.Parser.ParseFrom(pair.Value)))
                    await DeleteAsync(persistenceId, next - 1, next);
            }
            if (!page.More)
                return;
        }
    }

    private Task<long> DeleteAsync(string persistenceId, long from, long end) => _etcd.Log.ChangeAsync(
        [EtcdTransaction.Delete(EtcdKeys.Snapshot(persistenceId, from), EtcdKeys.Snapshot(persistenceId, end))], "the deletion of earlier snapshots", _stopping.Token);

    private static bool Fits(SnapshotSelectionCriteria criteria, EtcdRow row) =>
        row.AtTicks <= criteria.MaxTimeStamp.Ticks && (criteria.MinTimestamp is not { } earliest || row.AtTicks >= earliest.Ticks);
}
