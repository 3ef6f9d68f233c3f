using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Balance;
using Berth.Agent.Network;
using Berth.Agent.Network.Kernel;
using Berth.Model;
using Berth.Model.Networks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Integration.Networks;

/// <summary>A host with containers: namespaces, with the real keeper of the real rules.</summary>
public sealed class TestHost : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _keeping;

    public TestHost(string prefix, int number)
    {
        Number = number;
        Place = new TestNamespace($"{prefix}h{number}");
        Keeper = Place.Inside(() => Make(new HostTools(Place.Path), Plane));
        _keeping = Keeper.RunAsync(_ending.Token);
    }

    public int Number { get; }
    public TestNamespace Place { get; }
    public Plane Plane { get; } = new();
    public BalanceKeeper Keeper { get; }

    // Plane is made by its initializer, before the constructor's body.
    private static BalanceKeeper Make(HostTools tools, IPlane plane) => new(plane, new BalanceSettings(), tools,
        new NfTables(NetlinkSocket.Open(Netfilter.Protocol), tools),
        new ConnectionCutter(new ConnectionTable(NetlinkSocket.Open(Netfilter.Protocol)), Nudge.Open(), NullLogger.Instance, TimeProvider.System),
        NullLogger.Instance, TimeProvider.System);

    public void Dispose()
    {
        _ending.Cancel();
        _keeping.ContinueWith(_ => { }, TaskScheduler.Default).GetAwaiter().GetResult();
        Keeper.Dispose();
        _ending.Dispose();
        Place.Dispose();
    }
}

/// <summary>Two hosts and a stranger on one underlay, and containers in the networks red (10.130) and blue (10.131), which is internal in no test but one.</summary>
public sealed class TwoHosts : IDisposable
{
    public const string Resolver = "169.254.77.53";
    public static readonly IPNetwork Pool = IPNetwork.Parse("10.128.0.0/10");

    private readonly List<IDisposable> _made = [];
    private readonly string _prefix = $"bt{Environment.ProcessId}x{Interlocked.Increment(ref _count)}";
    private static int _count;
    private readonly TestNamespace _wire;

    public TwoHosts()
    {
        _wire = Keep(new TestNamespace($"{_prefix}w"));
        _wire.In("ip link add br0 type bridge");
        _wire.In("ip link set br0 up");
        First = Keep(new TestHost(_prefix, 1));
        Second = Keep(new TestHost(_prefix, 2));
        Stranger = Keep(new TestNamespace($"{_prefix}s"));
        Join(First.Place, "10.202.0.11");
        Join(Second.Place, "10.202.0.12");
        Join(Stranger, "10.202.0.100");
        SetUp(First, Second);
        SetUp(Second, First);
    }

    public TestHost First { get; }
    public TestHost Second { get; }
    public TestNamespace Stranger { get; }

    public static NetworkId Network(int number) => new((UInt128)(100 + number));

    public static NodeNetwork ANetwork(int number, bool isInternal = false) => new()
    {
        Id = Network(number), Name = number == 0 ? "red" : "blue", IsInternal = isInternal,
        Subnet = IPNetwork.Parse($"10.{130 + number}.0.0/20"), Vips = IPNetwork.Parse($"10.{130 + number}.15.0/24"),
    };

    /// <summary>A container with one address: 10.(130+network).(host).(number).</summary>
    public TestContainer Container(TestHost host, int network, int number)
    {
        var address = $"10.{130 + network}.{host.Number}.{number}";
        var place = Keep(new TestNamespace($"{_prefix}c{network}{host.Number}{number}"));
        var veth = $"bv{network}{host.Number}{number}.0";
        host.Place.In($"ip link add {veth} type veth peer name eth0 netns {place.Name}");
        host.Place.In($"sysctl -qw net/ipv4/conf/{veth}/route_localnet=1 net/ipv4/conf/{veth}/rp_filter=2");
        host.Place.In($"ip link set {veth} up");
        host.Place.In($"ip route add {address}/32 dev {veth}");
        place.In("ip link set eth0 up");
        place.In($"ip addr add {address}/32 dev eth0");
        place.In($"ip route add {Resolver} dev eth0 scope link");
        place.In($"ip route add default via {Resolver} dev eth0 src {address}");
        var container = new TestContainer(place, host, new LocalEndpoint(
            new TaskId((UInt128)(10_000 + 1000 * network + 100 * host.Number + number)), Network(network), IPAddress.Parse(address), veth, place.Name));
        Keep(container);
        return container;
    }

    /// <summary>Tells both hosts of services, and of the containers each has.</summary>
    public async Task TellAsync(IEnumerable<ServiceEndpoints> services, IEnumerable<TestContainer> containers, bool isBlueInternal = false)
    {
        foreach (var host in new[] { First, Second })
        {
            var other = host == First ? Second : First;
            host.Plane.Change(_ => new PlaneState(
                new NodeNetworks
                {
                    Self = Peer(host), Pool = Pool, Index = 1, Peers = ImmutableDictionary<NodeId, NetworkPeer>.Empty.Add(Peer(other).NodeId, Peer(other)),
                    Networks = new[] { ANetwork(0), ANetwork(1, isBlueInternal) }.ToImmutableDictionary(network => network.Id),
                    Services = services.ToImmutableDictionary(service => service.Id),
                },
                [.. containers.Where(container => container.Host == host).Select(container => container.Endpoint)]));
        }
        foreach (var host in new[] { First, Second })
        {
            for (var attempt = 0; !ReferenceEquals(host.Keeper.Followed, host.Plane.State); attempt++)
            {
                Assert.True(attempt < 300, $"{host.Place.Name} has not followed: {string.Join("; ", host.Keeper.Warnings)}");
                await Task.Delay(50);
            }
        }
    }

    public static NetworkPeer Peer(TestHost host) =>
        new(new NodeId((UInt128)(uint)host.Number), host.Number, IPAddress.Parse($"10.202.0.{10 + host.Number}"), $"host{host.Number}");

    public void Dispose()
    {
        for (var at = _made.Count - 1; at >= 0; at--)
            _made[at].Dispose();
    }

    private T Keep<T>(T made) where T : IDisposable
    {
        _made.Add(made);
        return made;
    }

    private void Join(TestNamespace place, string address)
    {
        var port = $"p{address.Split('.')[3]}";
        _wire.In($"ip link add {port} type veth peer name eth0 netns {place.Name}");
        _wire.In($"ip link set {port} master br0 up");
        place.In($"ip addr add {address}/24 dev eth0");
        place.In("ip link set eth0 up");
    }

    private static void SetUp(TestHost host, TestHost other)
    {
        var place = host.Place;
        place.In("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0");
        place.In("iptables -P FORWARD DROP");
        place.In($"ip link add berth0 address 02:62:0a:ca:00:{10 + host.Number:x2} mtu 1450 type vxlan id 4097 local 10.202.0.{10 + host.Number} dstport 4799 nolearning");
        place.In($"ip addr add 10.128.0.{host.Number}/32 dev berth0");
        place.In("ip link set berth0 up");
        place.In($"ip addr add {Resolver}/32 dev lo");
        place.In("sysctl -qw net.ipv4.conf.berth0.rp_filter=2 net.ipv4.conf.berth0.route_localnet=1");
        place.In("ip rule add pref 2000 fwmark 0x0/0xffff00 goto 32766");
        var (number, mac) = (other.Number, $"02:62:0a:ca:00:{10 + other.Number:x2}");
        place.In($"ip neigh replace 10.128.0.{number} lladdr {mac} dev berth0 nud permanent");
        place.In($"bridge fdb replace {mac} dev berth0 dst 10.202.0.{10 + number} self permanent");
        place.In($"ip route add 10.128.0.{number}/32 dev berth0 scope link src 10.128.0.{host.Number}");
        place.In($"ip route add default via 10.128.0.{number} dev berth0 onlink table {2000 + number}");
        place.In($"ip rule add pref 2001 fwmark 0x{number << 8:x}/0xffff00 lookup {2000 + number}");
        place.In("ip route add unreachable 10.128.0.0/10");
        foreach (var network in new[] { 130, 131 })
        {
            place.In($"ip route add 10.{network}.15.0/24 dev berth0");
            place.In($"ip route add 10.{network}.{number}.0/24 via 10.128.0.{number} dev berth0 onlink src 10.128.0.{host.Number}");
        }
    }
}

/// <summary>A container that answers on port 80.</summary>
public sealed class TestContainer(TestNamespace place, TestHost host, LocalEndpoint endpoint) : IDisposable
{
    private readonly TestServer _server = new(place, endpoint.Address.ToString(), "0.0.0.0");

    public TestNamespace Place => place;
    public TestHost Host => host;
    public LocalEndpoint Endpoint => endpoint;
    public string Address => endpoint.Address.ToString();

    public Backend Backend(bool isDraining = false) =>
        new(endpoint.Task, 1, host.Number, isDraining, [new TaskAddress(endpoint.Network, endpoint.Address)]);

    public void Dispose() => _server.Dispose();
}
