using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using static Berth.Manager.Journals.Etcd.EtcdTransaction;

namespace Berth.Manager.Journals.Etcd;

/// <summary>The record of leadership in etcd: one key that changes with each sign of life, and the fence, which changes with the
/// lead only and which every write compares.</summary>
internal sealed class EtcdLeaderRecord(EtcdClient client, EtcdWatch watch) : ILeaderRecord
{
    // An epoch is above 0; with this value of the fence nobody may write.
    private const long NobodysFence = 0;

    private LeaderRecord? _mine;

    /// <inheritdoc/>
    public async Task<LeaderRecord> ReadAsync(CancellationToken cancellation)
    {
        var found = await client.TransactAsync(new V3.TxnRequest { Success = { Get(EtcdKeys.Leader), Get(EtcdKeys.Moved) } }, cancellation);
        return found.Read(1) is { } moved ? throw Moved(moved) : Read(found.Read(0));
    }

    /// <inheritdoc/>
    public async Task<LeaderRecord?> TryTakeAsync(LeaderRecord seen, NodeId me, string url, CancellationToken cancellation)
    {
        var taken = new LeaderRecord(seen.Epoch + 1, me, url, 0);
        var request = new V3.TxnRequest
        {
            Compare = { IsAbsent(EtcdKeys.Moved), seen == LeaderRecord.None ? IsAbsent(EtcdKeys.Leader) : IsValue(EtcdKeys.Leader, Write(seen)) },
            Success = { Put(EtcdKeys.Leader, Write(taken)), Put(EtcdKeys.Fence, EtcdKeys.Value(taken.Epoch)) },
            Failure = { Get(EtcdKeys.Leader) },
        };
        var answer = await client.TransactAsync(request, cancellation);
        // An attempt whose answer was lost has taken it: only this process writes this epoch with its id.
        if (!answer.Succeeded && Read(answer.Read(0)) != taken)
            return null;
        return _mine = taken;
    }

    /// <inheritdoc/>
    public async Task<bool> RenewAsync(long epoch, CancellationToken cancellation)
    {
        var before = _mine?.Epoch == epoch ? _mine : await ReadAsync(cancellation);
        while (before.Epoch == epoch && before.Holder is not null)
        {
            var renewed = before with { Renewals = before.Renewals + 1 };
            var answer = await client.TransactAsync(new V3.TxnRequest
            {
                Compare = { IsFence(epoch), IsValue(EtcdKeys.Leader, Write(before)) },
                Success = { Put(EtcdKeys.Leader, Write(renewed)) },
                Failure = { Get(EtcdKeys.Leader), Get(EtcdKeys.Fence) },
            }, cancellation);
            // Either this attempt, or one before it whose answer was lost; an earlier renewal may also have come late.
            var now = answer.Succeeded ? renewed : Read(answer.Read(0));
            if (!answer.Succeeded && EtcdKeys.NumberIn(answer.Read(1)) != epoch)
                return false;
            _mine = now;
            if (now == renewed)
                return true;
            before = now;
        }
        return false;
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(long epoch, CancellationToken cancellation)
    {
        var before = await ReadAsync(cancellation);
        while (before.Epoch == epoch && before.Holder is not null)
        {
            // The fence goes as well: what this process may still send is refused from here on.
            var answer = await client.TransactAsync(new V3.TxnRequest
            {
                Compare = { IsValue(EtcdKeys.Leader, Write(before)) },
                Success =
                {
                    Put(EtcdKeys.Leader, Write(before with { Holder = null, Url = "" })),
                    Put(EtcdKeys.Fence, EtcdKeys.Value(NobodysFence)),
                },
                Failure = { Get(EtcdKeys.Leader) },
            }, cancellation);
            if (answer.Succeeded)
                return;
            before = Read(answer.Read(0));
        }
    }

    /// <inheritdoc/>
    public async Task<LeaderRecord> ChangeAsync(LeaderRecord seen, TimeSpan patience, CancellationToken cancellation)
    {
        if (await watch.ChangeAsync(pair => Read(pair) != seen, patience, cancellation) is { } changed)
            return Read(changed.Pair);
        // Nothing was heard; that the watched member hears nothing either is possible, so it is asked of all of them.
        var record = await ReadAsync(cancellation);
        if (record != seen)
            watch.Distrust();
        return record;
    }

    /// <summary>Ends the term there is, and leaves epochs out before the next: nobody who led elsewhere meanwhile has a higher one.</summary>
    public static async Task LeaveOutAsync(EtcdClient client, long epochs, CancellationToken cancellation)
    {
        while (true)
        {
            var found = await client.TransactAsync(new V3.TxnRequest { Success = { Get(EtcdKeys.Leader) } }, cancellation);
            if (Read(found.Read(0)) is not { Epoch: > 0 } before)
                return;
            var answer = await client.TransactAsync(new V3.TxnRequest
            {
                Compare = { IsValue(EtcdKeys.Leader, Write(before)) },
                Success = { Put(EtcdKeys.Leader, Write(new LeaderRecord(before.Epoch + epochs, null, "", 0))), Put(EtcdKeys.Fence, EtcdKeys.Value(NobodysFence)) },
            }, cancellation);
            if (answer.Succeeded)
                return;
        }
    }

    private static StoreMovedException Moved(V3.KeyValue moved)
    {
        var place = moved.Value.ToStringUtf8();
        return new StoreMovedException(place, $"the state has moved from etcd to {place}; nobody leads here any more");
    }

    /// <summary>The record as the value of its key.</summary>
    public static ByteString Write(LeaderRecord record) => new EtcdLeader
    {
        Epoch = record.Epoch,
        Holder = record.Holder?.ToString() ?? "",
        Url = record.Url,
        Renewals = record.Renewals,
    }.ToByteString();

    private static LeaderRecord Read(V3.KeyValue? pair)
    {
        if (pair is null)
            return LeaderRecord.None;
        var wire = EtcdLeader.Parser.ParseFrom(pair.Value);
        return new LeaderRecord(wire.Epoch, wire.Holder.Length == 0 ? null : NodeId.Parse(wire.Holder), wire.Url, wire.Renewals);
    }
}
