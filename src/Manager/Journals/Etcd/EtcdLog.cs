using Berth.Manager.Store;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using static Berth.Manager.Journals.Etcd.EtcdTransaction;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Appends to a log in etcd, reads it and truncates it; every change is fenced in its own transaction.</summary>
internal sealed class EtcdLog(EtcdClient client, EtcdUpkeep upkeep, LeaderTerm term, ILogger log)
{
    // A commit is a few KB, one of a large deployment some 20: a page is a few MB.
    private const int PageRows = 256;

    // Without a majority of members nobody can lead elsewhere either: what is waiting is written when they are back. Between
    // two of these the log says what is waited for.
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(5);

    /// <summary>Appends <paramref name="batch"/> right behind the head; ends only when it is known whether it is there.</summary>
    /// <exception cref="FencedException">Another manager leads, or has written: nothing of it is there, or will be.</exception>
    public async Task AppendAsync(string name, EtcdBatch batch, CancellationToken cancellation)
    {
        var epoch = Epoch();
        var request = new V3.TxnRequest
        {
            Compare = { IsFence(epoch), IsNumber(EtcdKeys.Head(name), batch.First - 1) },
            Success = { batch.Rows.Select(row => Put(EtcdKeys.Row(name, row.Number), row.Row)) },
            Failure = { Get(EtcdKeys.Fence), Get(EtcdKeys.Head(name)), Get(EtcdKeys.Row(name, batch.Last)) },
        };
        request.Success.Add(Put(EtcdKeys.Head(name), EtcdKeys.Value(batch.Last)));
        var answer = await UntilKnownAsync(request, $"commits {batch.First} to {batch.Last}", cancellation);
        // An attempt whose answer was lost may have done it. The row names its writer, so it is nobody else's.
        if (answer.Succeeded || answer.Read(2)?.Value == batch.LastRow)
            return;
        var (fence, head) = (EtcdKeys.NumberIn(answer.Read(0)), EtcdKeys.NumberIn(answer.Read(1)));
        throw new FencedException(fence != epoch
            ? FenceText(fence, epoch)
            : $"the log's head is {head}, and commit {batch.First} does not follow it");
    }

    /// <summary>Deletes the rows up to <paramref name="upTo"/>.</summary>
    /// <exception cref="FencedException">Another manager leads.</exception>
    public async Task TruncateAsync(string name, long upTo, CancellationToken cancellation)
    {
        var epoch = Epoch();
        var bounds = await client.TransactAsync(new V3.TxnRequest { Success = { Get(EtcdKeys.Head(name)), Get(EtcdKeys.Deleted(name)) } }, cancellation);
        var (head, deleted) = (EtcdKeys.NumberIn(bounds.Read(0)), EtcdKeys.NumberIn(bounds.Read(1)));
        var last = Math.Min(upTo, head);
        if (last <= deleted)
            return;
        var answer = await client.TransactAsync(new V3.TxnRequest
        {
            Compare = { IsFence(epoch) },
            Success = { Delete(EtcdKeys.Row(name, 0), EtcdKeys.Row(name, last + 1)), Put(EtcdKeys.Deleted(name), EtcdKeys.Value(last)) },
            Failure = { Get(EtcdKeys.Fence) },
        }, cancellation);
        Demand(answer, epoch);
        await upkeep.AfterDeletionAsync(answer.Header.Revision, cancellation);
    }

    /// <summary>The highest number; 0 in an empty log.</summary>
    public async Task<long> HeadAsync(string name, CancellationToken cancellation)
    {
        var found = await client.RangeAsync(new V3.RangeRequest { Key = EtcdKeys.Head(name) }, cancellation);
        return EtcdKeys.NumberIn(found.Kvs.FirstOrDefault());
    }

    /// <summary>Reads rows in order, at most <paramref name="max"/>.</summary>
    /// <exception cref="InvalidDataException">A row is missing that was not deleted on purpose.</exception>
    public async IAsyncEnumerable<(long Number, EtcdRow Row)> ReadAsync(
        string name, long from, long to, long max, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var bounds = await client.TransactAsync(new V3.TxnRequest { Success = { Get(EtcdKeys.Head(name)), Get(EtcdKeys.Deleted(name)) } }, cancellation);
        var last = Math.Min(to, EtcdKeys.NumberIn(bounds.Read(0)));
        var next = Math.Max(from, EtcdKeys.NumberIn(bounds.Read(1)) + 1);
        while (next <= last && max > 0)
        {
            // A range no longer than the page: etcd counts every key of a range, also those behind its limit.
            var rows = Math.Min(Math.Min(PageRows, max), last - next + 1);
            var page = await client.RangeAsync(new V3.RangeRequest
            {
                Key = EtcdKeys.Row(name, next),
                RangeEnd = EtcdKeys.Row(name, next + rows),
                SortOrder = V3.RangeRequest.Types.SortOrder.Ascend,
            }, cancellation);
            foreach (var pair in page.Kvs)
            {
                if (EtcdKeys.NumberOf(pair.Key) != next)
                    throw Missing(name, next);
                yield return (next++, EtcdRow.Parser.ParseFrom(pair.Value));
                max--;
            }
            if (page.Kvs.Count == 0)
                throw Missing(name, next);
        }
    }

    /// <summary>Writes keys and deletes ranges, fenced.</summary>
    /// <exception cref="FencedException">Another manager leads.</exception>
    public async Task<long> ChangeAsync(IEnumerable<V3.RequestOp> changes, string what, CancellationToken cancellation)
    {
        var epoch = Epoch();
        var answer = await UntilKnownAsync(
            new V3.TxnRequest { Compare = { IsFence(epoch) }, Success = { changes }, Failure = { Get(EtcdKeys.Fence) } }, what, cancellation);
        Demand(answer, epoch);
        return answer.Header.Revision;
    }

    // Giving up would say "not written" of something that may be written a moment later.
    private async Task<V3.TxnResponse> UntilKnownAsync(V3.TxnRequest request, string what, CancellationToken cancellation)
    {
        var madeRoom = false;
        while (true)
        {
            try
            {
                return await client.TransactAsync(request, SayEvery, cancellation);
            }
            catch (EtcdUnavailableException error)
            {
                log.LogWarning("{What} not yet written: {Reason}", what, error.Message);
            }
            catch (EtcdFullException) when (!madeRoom)
            {
                madeRoom = true;
                await upkeep.MakeRoomAsync(cancellation);
            }
            catch (RpcException error)
            {
                throw new IOException($"etcd refused {what} ({request.CalculateSize():N0} bytes): {error.Status.Detail}. Is its etcd.yml the one that the manager wrote?", error);
            }
        }
    }

    private long Epoch() => term.Epoch > 0 ? term.Epoch : throw new FencedException("this manager does not lead");

    private static void Demand(V3.TxnResponse answer, long epoch)
    {
        if (!answer.Succeeded)
            throw new FencedException(FenceText(EtcdKeys.NumberIn(answer.Read(0)), epoch));
    }

    private static string FenceText(long fence, long epoch) => fence == 0
        ? $"epoch {epoch} is over: its leader let go"
        : $"epoch {fence} has begun, and this manager leads in {epoch}";

    private static InvalidDataException Missing(string name, long number) => new(
        $"row {number} of '{name}' is missing in etcd; another manager may have deleted it while it was read: start again. Else restore a backup");
}
