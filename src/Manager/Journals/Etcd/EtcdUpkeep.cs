using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Journals.Etcd;

/// <summary>Keeps etcd's files small: forgets its history, gives space back, and ends the alarm when its quota was reached.</summary>
internal sealed class EtcdUpkeep(EtcdClient client, EtcdOptions options, ILogger log)
{
    // Below this the space is used again by what comes; above it, and above half of the file, it is given back.
    private const long WorthDefragmenting = 64 << 20;

    private static readonly TimeSpan DefragmentTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StatusTimeout = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _one = new(1);

    /// <summary>What was deleted up to <paramref name="revision"/> is also forgotten. Failing is no harm: the next time does it.</summary>
    public async Task AfterDeletionAsync(long revision, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            await CompactAsync(revision, cancellation);
            await DefragmentAsync(size => size.DbSize - size.DbSizeInUse > Math.Max(WorthDefragmenting, size.DbSizeInUse), cancellation);
        }
        catch (Exception error) when (error is RpcException or IOException)
        {
            log.LogWarning("etcd's history was not compacted, or its files not made smaller: {Reason}. The next snapshot tries again", error.Message);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>etcd refuses writes because its quota is reached: forgets all history, gives space back, ends the alarm.</summary>
    /// <exception cref="EtcdFullException">It is full of what is needed.</exception>
    public async Task MakeRoomAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            log.LogWarning("etcd's database has reached its quota and takes no writes: its history is forgotten and its files are made smaller");
            var now = await client.RangeAsync(new V3.RangeRequest { Key = EtcdKeys.Format }, cancellation);
            await CompactAsync(now.Header.Revision, cancellation);
            await DefragmentAsync(_ => true, cancellation);
            var alarms = await AlarmAsync(new V3.AlarmRequest { Action = V3.AlarmRequest.Types.AlarmAction.Get }, cancellation);
            foreach (var alarm in alarms.Alarms.Where(alarm => alarm.Alarm == V3.AlarmType.Nospace))
                await AlarmAsync(new V3.AlarmRequest { Action = V3.AlarmRequest.Types.AlarmAction.Deactivate, MemberID = alarm.MemberID, Alarm = alarm.Alarm }, cancellation);
            log.LogWarning("etcd takes writes again");
        }
        finally
        {
            _one.Release();
        }
    }

    private Task<V3.AlarmResponse> AlarmAsync(V3.AlarmRequest request, CancellationToken cancellation) =>
        client.CallAsync((member, call) => member.Maintenance.AlarmAsync(request, call), 0, options.Patience, cancellation);

    private async Task CompactAsync(long revision, CancellationToken cancellation)
    {
        try
        {
            var request = new V3.CompactionRequest { Revision = revision, Physical = true };
            await client.CallAsync((member, call) => member.KV.CompactAsync(request, call), 10 << 20, options.Patience, cancellation);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.OutOfRange)
        {
            // Compacted already, by etcd itself or by an attempt whose answer was lost.
            log.LogDebug("etcd's history up to revision {Revision} was gone already", revision);
        }
    }

    // One after the other, etcd's own leader last: a member that does this answers nobody meanwhile.
    private async Task DefragmentAsync(Func<V3.StatusResponse, bool> isWorth, CancellationToken cancellation)
    {
        var sizes = new List<(EtcdMember Member, V3.StatusResponse Status)>();
        foreach (var member in client.Members)
        {
            try
            {
                sizes.Add((member, await client.AskAsync(
                    member, (asked, call) => asked.Maintenance.StatusAsync(new V3.StatusRequest(), call), StatusTimeout, cancellation)));
            }
            catch (RpcException error)
            {
                log.LogDebug("etcd at {Address} is not asked for its size: {Reason}", member.Address.Authority, EtcdErrors.Text(error));
            }
        }
        foreach (var (member, status) in sizes.Where(size => isWorth(size.Status)).OrderBy(size => size.Status.Leader == size.Status.Header.MemberId))
        {
            await client.AskAsync(
                member, (asked, call) => asked.Maintenance.DefragmentAsync(new V3.DefragmentRequest(), call), DefragmentTimeout, cancellation);
            log.LogInformation("etcd at {Address} gave space back: {Used:N0} of {Size:N0} bytes were used",
                member.Address.Authority, status.DbSizeInUse, status.DbSize);
        }
    }
}
