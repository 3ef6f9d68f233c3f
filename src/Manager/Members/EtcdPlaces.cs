using System.Collections.Immutable;
using System.Net;
using Berth.Manager.Store;
using Grpc.Core;
using V1 = Berth.Protocol.V1;
using V3 = Berth.Manager.Journals.Etcd.V3;

namespace Berth.Manager.Members;

/// <summary>Gives a host that asks a place among etcd's members, and what it needs to take it.</summary>
internal static class EtcdPlaces
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>Adds a member, and until that can be takes the steps before it: a listener in front of it becomes a voter first.</summary>
    /// <param name="admin">etcd.</param>
    /// <param name="wanted">The member.</param>
    /// <param name="name">Its host, for errors.</param>
    /// <param name="all">All that are wanted, as the state says then.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RpcException">It cannot be had now.</exception>
    public static async Task MakeAsync(
        EtcdAdmin admin, WantedMember wanted, string name, Func<ImmutableArray<WantedMember>> all, TimeProvider time, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            var members = (await admin.LookAsync(cancellation)).Views;
            var present = members.FirstOrDefault(member => member.Node == wanted.Node) ?? members.FirstOrDefault(member => member.Node is null && member.PeerUrl == wanted.PeerUrl);
            if (present is not null && present.PeerUrl == wanted.PeerUrl)
                return;
            var step = present is not null
                ? new MemberStep.Update(present.Id, wanted.PeerUrl)
                : MembersDecider.Next([wanted, .. all().Where(one => one.Node != wanted.Node)], members);
            var problem = step is null ? "a majority of its members must answer, and one joins after the other" : await admin.TakeAsync(step, cancellation);
            if (time.GetElapsedTime(begun) > LongestWait)
                throw Unavailable($"etcd has no place for a member on '{name}' yet: {problem}");
            await Task.Delay(LookEvery, time, cancellation);
        }
    }

    /// <summary>What a host needs to take its place.</summary>
    /// <param name="state">With etcd's authority.</param>
    /// <param name="request">What it asked.</param>
    /// <param name="address">Where its manager answers.</param>
    /// <param name="members">Who is there.</param>
    /// <param name="now">For its certificate.</param>
    public static V1.EtcdTicket Ticket(ClusterState state, V1.GetStoreRequest request, IPEndPoint address, ImmutableArray<V3.Member> members, DateTimeOffset now)
    {
        var authority = state.StoreAuthority ?? throw Unavailable("etcd's authority is not known yet");
        var addresses = request.HostAddresses.Select(text => IPAddress.TryParse(text, out var parsed) ? parsed : null).OfType<IPAddress>().Append(address.Address);
        return new V1.EtcdTicket
        {
            CertificatePem = authority.Sign(request.SigningRequest.ToByteArray(), request.NodeId, addresses, now),
            AuthorityPem = authority.CertificatePem,
            Token = state.ClusterId?.ToString() ?? "berth",
            Members =
            {
                members.Select(member => new V1.EtcdMemberAddress
                {
                    Name = member.Name,
                    PeerUrl = member.PeerURLs.FirstOrDefault() ?? "",
                    ClientUrl = member.ClientURLs.FirstOrDefault() ?? "",
                }),
            },
        };
    }

    private static RpcException Unavailable(string why) => new(new Status(StatusCode.Unavailable, why));
}
