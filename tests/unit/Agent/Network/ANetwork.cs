using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;
using CsCheck;

namespace Berth.Tests.Agent.Network;

/// <summary>Builds what a node knows of networks; only what matters to a test is named.</summary>
internal static class ANetwork
{
    public static readonly IPNetwork Pool = IPNetwork.Parse("10.128.0.0/10");

    public static NetworkId Id(int number) => new((UInt128)number);

    public static NetworkPeer Peer(int number) => new(new NodeId((UInt128)number), number, IPAddress.Parse($"192.168.0.{number}"), $"host{number}");

    public static NodeNetwork Network(int number, string[]? slices = null, params int[] remote) => new()
    {
        Id = Id(number),
        Name = $"net{number}",
        Subnet = IPNetwork.Parse($"10.130.{16 * number}.0/20"),
        Vips = IPNetwork.Parse($"10.130.{16 * number + 15}.0/24"),
        Slices = (slices ?? [$"10.130.{16 * number + 1}.0/26"]).Select(slice => IPNetwork.Parse(slice)).ToValueList(),
        Remote = remote.Select(node => new RemoteSlice(IPNetwork.Parse($"10.130.{16 * number + node}.64/26"), node)).ToValueList(),
    };

    public static NodeNetworks Node(int peers, params NodeNetwork[] networks) => new()
    {
        Self = Peer(1),
        Pool = Pool,
        Peers = Enumerable.Range(2, peers).Select(Peer).ToImmutableDictionary(peer => peer.NodeId),
        Networks = networks.ToImmutableDictionary(network => network.Id),
    };

    public static LocalEndpoint Local(int task, int network, string address) =>
        new(new TaskId((UInt128)task), Id(network), IPAddress.Parse(address), InterfaceNames.Veth(new TaskId((UInt128)task), 0), $"c{task}");

    public static Gen<PlaneState> States { get; } =
        from isKnown in Gen.Bool
        from peers in Gen.Int[0, 6]
        from networks in Gen.Int[0, 3]
        from remote in Gen.Int[2, 9].Array[0, 3]
        from containers in Gen.Int[1, 9].HashSet[0, 4]
        select isKnown
            ? new PlaneState(
                Node(peers, [.. Enumerable.Range(1, networks).Select(number => Network(number, remote: [.. remote.Distinct()]))]),
                [.. containers.Select(container => Local(container, 1, $"10.130.17.{container}"))])
            : PlaneState.Empty;
}
