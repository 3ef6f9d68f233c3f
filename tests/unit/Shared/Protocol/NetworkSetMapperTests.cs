using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using CsCheck;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Shared.Protocol;

public sealed class NetworkSetMapperTests
{
    private static readonly Gen<IPAddress> Address = Gen.UInt.Select(AddressPlan.Address);
    private static readonly Gen<IPNetwork> Prefix = Gen.Select(Gen.Int[0, 200], Gen.Int[20, 26], (place, prefix) => AddressPlan.Block(AddressPlan.DefaultPool, prefix, place));
    private static readonly Gen<NetworkId> Network = Gen.UInt[0, 5].Select(id => new NetworkId(id));
    private static readonly Gen<TaskAddress> TaskAddresses = Gen.Select(Network, Address, (network, address) => new TaskAddress(network, address));

    private static readonly Gen<NetworkPeer> Peer = Gen.Select(
        Gen.UInt[0, 8], Gen.Int[1, 900], Address, (id, number, underlay) => new NetworkPeer(new NodeId(id), number, underlay, $"host{id}"));

    private static readonly Gen<NodeNetwork> NodeNetworkGen = Gen.Select(
        Network, Prefix, Prefix.List[0, 2], Gen.Select(Prefix, Gen.Int[1, 9]).List[0, 3], Gen.Int[0, 9000], Gen.Bool, Gen.Bool,
        (id, subnet, slices, remote, mtu, isInternal, isAttachable) => new NodeNetwork
        {
            Id = id, Name = $"net{id}", Subnet = subnet, Vips = AddressPlan.Vips(subnet), Slices = slices.ToValueList(),
            Remote = remote.Select(pair => new RemoteSlice(pair.Item1, pair.Item2)).ToValueList(), Mtu = mtu, IsInternal = isInternal, IsAttachable = isAttachable,
        });

    private static readonly Gen<Backend> BackendGen = Gen.Select(
        Gen.UInt, Gen.Int[0, 9], Gen.Int[1, 9], Gen.Bool, TaskAddresses.List[0, 2],
        (id, slot, node, draining, addresses) => new Backend(new TaskId(id), slot, node, draining, addresses.ToValueList()));

    private static readonly Gen<ServiceEndpoints> Service = Gen.Select(
        Gen.UInt[0, 6], Gen.Bool, Gen.Select(Network, Address, Gen.Bool).List[0, 2], Gen.Int[1, 65535].List[0, 2], BackendGen.List[0, 3],
        (id, dnsrr, networks, ports, backends) => new ServiceEndpoints
        {
            Id = new ServiceId(id), Name = $"shop_s{id}", Stack = id % 2 == 0 ? "shop" : null, IsDnsRoundRobin = dnsrr,
            Networks = networks.Select(pair => new ServiceNetwork(pair.Item1, pair.Item3 ? pair.Item2 : null, [$"a{id}"])).ToValueList(),
            Published = ports.Select(port => new PublishedPort("", port % 2 == 0 ? PortProtocol.Tcp : PortProtocol.Udp, 80, port)).ToValueList(),
            Backends = backends.ToValueList(),
        });

    private static readonly Gen<NodeNetworks> Known = Gen.Select(
        Gen.Long[0, 1000], Peer, Peer.List[0, 5], NodeNetworkGen.List[0, 4], Service.List[0, 5],
        (index, self, peers, networks, services) => new NodeNetworks
        {
            Index = index, Pool = AddressPlan.DefaultPool, Self = index % 3 == 0 ? null : self,
            Peers = peers.DistinctBy(peer => peer.NodeId).ToImmutableDictionary(peer => peer.NodeId),
            Networks = networks.DistinctBy(network => network.Id).ToImmutableDictionary(network => network.Id),
            Services = services.DistinctBy(service => service.Id).ToImmutableDictionary(service => service.Id),
        });

    [Fact]
    public void What_a_node_is_told_whole_it_knows_whole_whatever_it_knew() => Gen.Select(Known, Known).Sample((before, after) =>
        AssertSame(after, before.Apply(Sent(after.ToWire(7)))));

    [Fact]
    public void What_changed_makes_what_was_known_what_is() => Gen.Select(Known, Known).Sample((before, after) =>
    {
        var set = NetworkSetMapper.ToWire(before, after, 8);
        if (set is null)
            AssertSame(after with { Index = 0 }, before with { Index = 0 });
        else
            AssertSame(after, before.Apply(Sent(set)));
    });

    [Fact]
    public void Nothing_is_said_where_nothing_changed() => Known.Sample(known =>
        Assert.Null(NetworkSetMapper.ToWire(known, NodeNetworks.Empty.Apply(Sent(known.ToWire(1))) with { Index = known.Index + 1 }, 2)));

    [Fact]
    public void What_is_no_address_is_refused_by_name()
    {
        var set = new V1.NetworkSet { Full = true, Peers = { new V1.NetworkPeer { NodeId = new NodeId(1).ToString(), Underlay = "host" } } };
        Assert.Contains("'host' is not an IP address", Assert.Throws<FormatException>(() => NodeNetworks.Empty.Apply(set)).Message, StringComparison.Ordinal);
    }

    private static V1.NetworkSet Sent(V1.NetworkSet set) => V1.NetworkSet.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(set));

    private static void AssertSame(NodeNetworks expected, NodeNetworks actual)
    {
        Assert.Equal((expected.Index, expected.Self, expected.Pool), (actual.Index, actual.Self, actual.Pool));
        Assert.Equal(expected.Peers.OrderBy(pair => pair.Key), actual.Peers.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Networks.OrderBy(pair => pair.Key), actual.Networks.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Services.OrderBy(pair => pair.Key), actual.Services.OrderBy(pair => pair.Key));
    }
}
