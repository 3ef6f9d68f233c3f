using System.Collections.Immutable;
using Berth.Manager.Journals.Etcd;
using Berth.Model;
using Grpc.Core;
using V3 = Berth.Manager.Journals.Etcd.V3;

namespace Berth.Manager.Members;

/// <summary>What etcd says of its members, and changes of who is one.</summary>
internal sealed class EtcdAdmin(EtcdClient client, TimeSpan patience)
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Every member, each asked how it is.</summary>
    public async Task<EtcdLook> LookAsync(CancellationToken cancellation) => await LookAsync(await ListAsync(cancellation), cancellation);

    /// <summary>Members that were listed, each asked how it is.</summary>
    public async Task<EtcdLook> LookAsync(ImmutableArray<V3.Member> listed, CancellationToken cancellation) =>
        new([.. await Task.WhenAll(listed.Select(async member => new SeenMember(member, await ProblemAsync(member, cancellation))))]);

    /// <summary>Members as they are told to a host that joins.</summary>
    public async Task<ImmutableArray<V3.Member>> ListAsync(CancellationToken cancellation) =>
        [.. (await CallAsync((member, call) => member.Cluster.MemberListAsync(new V3.MemberListRequest(), call), cancellation)).Members];

    /// <summary>Takes a step.</summary>
    /// <returns>Why etcd refused it; null when it is done.</returns>
    public async Task<string?> TakeAsync(MemberStep step, CancellationToken cancellation)
    {
        try
        {
            switch (step)
            {
                case MemberStep.Add add:
                    var added = new V3.MemberAddRequest { IsLearner = true, PeerURLs = { add.Member.PeerUrl } };
                    await CallAsync((member, call) => member.Cluster.MemberAddAsync(added, call), cancellation);
                    break;
                case MemberStep.Promote promote:
                    await CallAsync((member, call) => member.Cluster.MemberPromoteAsync(new V3.MemberPromoteRequest { ID = promote.Id }, call), cancellation);
                    break;
                case MemberStep.Update update:
                    var updated = new V3.MemberUpdateRequest { ID = update.Id, PeerURLs = { update.PeerUrl } };
                    await CallAsync((member, call) => member.Cluster.MemberUpdateAsync(updated, call), cancellation);
                    break;
                case MemberStep.Remove remove:
                    await CallAsync((member, call) => member.Cluster.MemberRemoveAsync(new V3.MemberRemoveRequest { ID = remove.Id }, call), cancellation);
                    break;
            }
            return null;
        }
        catch (RpcException error)
        {
            // Not an error of its own: it has not caught up, or an attempt whose answer was lost has done it already.
            return error.Status.Detail;
        }
    }

    /// <summary>Has another member lead etcd before this one goes: an election would keep all waiting, and could cost the one who
    /// leads the cluster its lead. Nothing depends on it.</summary>
    public async Task SpareAsync(V3.Member leaving, CancellationToken cancellation)
    {
        var others = (await ListAsync(cancellation)).Where(member => member.ID != leaving.ID && !member.IsLearner).ToList();
        if (others.Count == 0 || client.Members.FirstOrDefault(known => leaving.ClientURLs.Any(url => new Uri(url) == known.Address)) is not { } connected)
            return;
        try
        {
            var status = await client.AskAsync(connected, (asked, call) => asked.Maintenance.StatusAsync(new V3.StatusRequest(), call), ProbeTimeout, cancellation);
            if (status.Leader == leaving.ID)
                await client.AskAsync(connected, (asked, call) => asked.Maintenance.MoveLeaderAsync(new V3.MoveLeaderRequest { TargetID = others[0].ID }, call), patience, cancellation);
        }
        catch (RpcException)
        {
            // It does not answer, or the other does not follow: etcd elects one by itself.
        }
    }

    /// <summary>Whose member it is; null when it has not started yet.</summary>
    public static NodeId? NodeOf(V3.Member member) => NodeId.TryParse(member.Name, out var node) ? node : null;

    private Task<T> CallAsync<T>(Func<EtcdMember, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellation) =>
        client.CallAsync(call, 0, patience, cancellation);

    private async Task<string?> ProblemAsync(V3.Member member, CancellationToken cancellation)
    {
        if (member.ClientURLs.FirstOrDefault() is not { } url)
            return "it has not started yet";
        var address = new Uri(url);
        var connected = client.Members.FirstOrDefault(known => known.Address == address);
        if (connected is null)
            return "this manager does not know its address yet";
        try
        {
            var status = await client.AskAsync(connected, (asked, call) => asked.Maintenance.StatusAsync(new V3.StatusRequest(), call), ProbeTimeout, cancellation);
            return status switch
            {
                { Leader: 0 } => "it sees no leader of etcd",
                { Errors.Count: > 0 } => string.Join(", ", status.Errors),
                _ => null,
            };
        }
        catch (RpcException error)
        {
            return EtcdErrors.Text(error);
        }
    }
}

/// <summary>A member of etcd, and what is wrong with it; null when nothing is.</summary>
internal sealed record SeenMember(V3.Member Member, string? Problem);

/// <summary>etcd's members at one moment.</summary>
internal sealed record EtcdLook(ImmutableArray<SeenMember> Members)
{
    /// <summary>For decisions.</summary>
    public ImmutableArray<MemberView> Views => [.. Members.Select(seen => new MemberView(
        seen.Member.ID, EtcdAdmin.NodeOf(seen.Member), seen.Member.PeerURLs.FirstOrDefault() ?? "", seen.Member.IsLearner, seen.Problem is null))];

    /// <summary>For <c>cluster status</c>: how each node's member is, as ManagerStatus.store_member says it.</summary>
    public ImmutableDictionary<NodeId, string> States => Members.Where(seen => EtcdAdmin.NodeOf(seen.Member) is not null)
        .GroupBy(seen => EtcdAdmin.NodeOf(seen.Member)!.Value)
        .ToImmutableDictionary(group => group.Key, group => StateOf(group.First()));

    // One without a name has never started, and has no node either.
    private static string StateOf(SeenMember seen) =>
        seen.Problem is { } problem ? $"unhealthy: {problem}" : seen.Member.IsLearner ? "learner" : "started";
}

/// <summary>From the store to its members.</summary>
internal static class EtcdBackendMembers
{
    /// <summary>What <paramref name="etcd"/>'s members say.</summary>
    public static EtcdAdmin Admin(this EtcdBackend etcd, TimeSpan patience) => new(etcd.Client, patience);
}
