using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;
using CsCheck;

namespace Berth.Tests.Agent.Balance;

/// <summary>States of a host's networks for tests.</summary>
public static class APlane
{
    public static readonly IPNetwork Pool = IPNetwork.Parse("10.128.0.0/10");
    private const int Networks = 3;
    private const int Services = 6;
    private const int Nodes = 3;

    public static NetworkId Network(int number) => new((UInt128)(100 + number));
    public static ServiceId Service(int number) => new((UInt128)(1000 + number));
    public static TaskId Task(int number) => new((UInt128)(10_000 + number));

    public static IPAddress Address(int network, int slice, int host) => IPAddress.Parse($"10.{130 + network}.{slice}.{host}");

    public static NetworkPeer Peer(int number) => new(new NodeId((UInt128)number), number, IPAddress.Parse($"10.202.0.{10 + number}"), $"node{number}");

    public static NodeNetwork ANetwork(int number, bool isInternal = false) => new()
    {
        Id = Network(number), Name = $"net{number}", IsInternal = isInternal,
        Subnet = IPNetwork.Parse($"10.{130 + number}.0.0/20"), Vips = IPNetwork.Parse($"10.{130 + number}.15.0/24"),
    };

    public static ServiceEndpoints AService(int number, params ReadOnlySpan<Backend> backends) => new()
    {
        Id = Service(number), Name = $"shop_web{number}", Stack = "shop", Backends = new ValueList<Backend>([.. backends]),
        Networks = [new ServiceNetwork(Network(0), Address(0, 15, 10 + number), [$"web{number}"])],
    };

    public static Backend ABackend(int task, int node, int network = 0, bool isDraining = false) =>
        new(Task(task), task, node, isDraining, [new TaskAddress(Network(network), Address(network, node, task))]);

    /// <summary>Any state: some networks, services in them, and containers on this host, which is node 1.</summary>
    public static Gen<PlaneState> Any { get; } =
        from networks in Gen.Bool.Array[Networks]
        from services in AnyService.Array[0, Services]
        from local in Gen.Int[1, 200].Array[0, 8]
        from peers in Gen.Int[0, Nodes - 1]
        from number in Gen.Int[1, 2]
        select new PlaneState(
            new NodeNetworks
            {
                Self = Peer(number), Pool = Pool, Index = 1,
                Peers = Enumerable.Range(3, peers).ToImmutableDictionary(at => Peer(at).NodeId, Peer),
                Networks = Enumerable.Range(0, Networks).ToImmutableDictionary(Network, at => ANetwork(at, networks[at])),
                Services = services.DistinctBy(service => service.Id).ToImmutableDictionary(service => service.Id),
            },
            [.. local.Distinct().Select(at => new LocalEndpoint(Task(at), Network(at % Networks), Address(at % Networks, 1, at), $"bv{at}.0", $"c{at}"))]);

    private static Gen<ServiceEndpoints> AnyService =>
        from number in Gen.Int[0, 40]
        from dnsrr in Gen.Int[0, 4]
        from affinity in Gen.Bool
        from network in Gen.Int[0, Networks - 1]
        from ports in Gen.Int[0, 3]
        from backends in AnyBackend.Array[0, 5]
        select new ServiceEndpoints
        {
            Id = Service(number), Name = $"s{number}", IsDnsRoundRobin = dnsrr == 0, HasAffinity = affinity,
            Networks = [new ServiceNetwork(Network(network), dnsrr == 0 ? null : Address(network, 15, number + 1), [$"alias{number}"])],
            Published = Enumerable.Range(0, ports).Select(at => new PublishedPort("", (PortProtocol)(at % 2), 80 + at, 8000 + number % 7 + at)).ToValueList(),
            Backends = backends.DistinctBy(backend => backend.TaskId).ToValueList(),
        };

    private static Gen<Backend> AnyBackend =>
        from task in Gen.Int[1, 200]
        from node in Gen.Int[1, Nodes]
        from draining in Gen.Bool
        from weight in Gen.Int[1, 3]
        select new Backend(Task(task), task, node, draining, [new TaskAddress(Network(task % Networks), Address(task % Networks, node, task))]) { Weight = weight };
}
