using System.Collections.Immutable;
using System.Net;
using Berth.Model.Networks;

namespace Berth.Agent.Network;

/// <summary>What a host's network stack is to have, from what is wanted and which containers are here. Pure.</summary>
/// <remarks>All of it follows from the state; nothing is remembered. Where nothing was told the host is left as it is.</remarks>
public static class HostPlan
{
    /// <summary>Where each host's name server answers, and what its containers route through.</summary>
    public static readonly IPAddress Resolver = new([169, 254, 77, 53]);

    /// <summary>Whose routes and rules they are, in the kernel's words (<c>proto 98</c>).</summary>
    public const byte Protocol = 98;

    /// <summary>A node's number is in these bits of a mark.</summary>
    public const uint NodeMask = 0x00ffff00;

    /// <summary>How far a node's number is moved to be there.</summary>
    public const int NodeShift = 8;

    private const uint SkipPriority = 2000;
    private const uint ReturnPriority = 2001;
    private const uint MainPriority = 32766;

    // Tables of other programs have small numbers.
    private const uint FirstReturnTable = 0x6200_0000;

    private static readonly ImmutableDictionary<string, string> HostSettings = ImmutableDictionary<string, string>.Empty
        .Add("ip_forward", "1")
        // A connection's packets may come by another way than its replies go, and 127.0.0.1:PORT leads to containers.
        .Add($"conf/{InterfaceNames.Overlay}/rp_filter", "2")
        .Add($"conf/{InterfaceNames.Overlay}/route_localnet", "1")
        .Add($"conf/{InterfaceNames.Overlay}/send_redirects", "0");

    /// <summary>What is to be.</summary>
    /// <param name="state">What is wanted, and the containers here.</param>
    /// <param name="underlayMtu">MTU of the interface that the overlay's packets leave by, bytes.</param>
    public static HostState Of(PlaneState state, int underlayMtu)
    {
        var wanted = state.Wanted;
        if (wanted.Self is not { } self)
            return HostState.Empty;
        var own = Ipv4.OfNode(wanted.Pool, self.Number);
        var peers = wanted.Peers.Values.Where(peer => peer.Number != self.Number).OrderBy(peer => peer.Number).ToList();
        return new HostState
        {
            Overlay = new OverlayDevice(self.Underlay, OverlayMtu(underlayMtu)),
            Addresses = [new(InterfaceNames.Overlay, own), new("lo", Resolver)],
            Routes = [.. PeerRoutes(wanted, peers, own), .. NetworkRoutes(wanted, peers, own), .. state.Local.Select(ToLocal)],
            Neighbours =
            [
                .. peers.Select(peer => new HostNeighbour(InterfaceNames.Overlay, Ipv4.OfNode(wanted.Pool, peer.Number), HardwareAddress.OfUnderlay(peer.Underlay))),
                .. state.Local.Select(local => new HostNeighbour(local.HostInterface, local.Address, HardwareAddress.OfContainer(local.Address))),
            ],
            Forwarding = [.. peers.Select(peer => new HostForwarding(HardwareAddress.OfUnderlay(peer.Underlay), peer.Underlay))],
            Rules = peers.Count == 0 ? [] :
            [
                // Packets without a node's number, nearly all, skip the rules below.
                new HostRule(SkipPriority, 0, NodeMask, 0, MainPriority),
                .. peers.Select(peer => new HostRule(ReturnPriority, (uint)peer.Number << NodeShift, NodeMask, ReturnTable(peer))),
            ],
            Settings = HostSettings,
        };
    }

    /// <summary>MTU of what is encapsulated.</summary>
    public static int OverlayMtu(int underlayMtu) => underlayMtu - OverlayDevice.Overhead;

    /// <summary>How a container's address is reached.</summary>
    public static HostRoute ToLocal(LocalEndpoint local) => new(new IPNetwork(local.Address, 32), local.HostInterface);

    private static IEnumerable<HostRoute> PeerRoutes(NodeNetworks wanted, List<NetworkPeer> peers, IPAddress own)
    {
        foreach (var peer in peers)
        {
            var address = Ipv4.OfNode(wanted.Pool, peer.Number);
            yield return new HostRoute(new IPNetwork(address, 32), InterfaceNames.Overlay, Source: own);
            // Replies of connections that came in by that node return through it.
            yield return new HostRoute(new IPNetwork(IPAddress.Any, 0), InterfaceNames.Overlay, address, Table: ReturnTable(peer));
        }
    }

    private static IEnumerable<HostRoute> NetworkRoutes(NodeNetworks wanted, List<NetworkPeer> peers, IPAddress own)
    {
        // What of the pool is not known is nowhere: least of all behind the host's gateway.
        yield return new HostRoute(wanted.Pool, "", IsUnreachable: true);
        var numbers = peers.Select(peer => peer.Number).ToHashSet();
        foreach (var network in wanted.Networks.Values)
        {
            // Packets to a virtual address without a backend come as far as the rules that refuse them.
            yield return new HostRoute(network.Vips, InterfaceNames.Overlay);
            foreach (var slice in network.Remote.Where(slice => numbers.Contains(slice.Node)))
                yield return new HostRoute(slice.Prefix, InterfaceNames.Overlay, Ipv4.OfNode(wanted.Pool, slice.Node), own);
        }
    }

    private static uint ReturnTable(NetworkPeer peer) => FirstReturnTable + (uint)peer.Number;
}
