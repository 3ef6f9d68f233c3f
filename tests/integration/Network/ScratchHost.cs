using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Berth.Agent.Network;
using Berth.Agent.Network.Kernel;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Tests.Integration.Network;

/// <summary>A host's network that is nobody's: a namespace of its own, in which a test's body runs on a thread of its own.</summary>
internal static class ScratchHost
{
    public static readonly IPAddress Underlay = IPAddress.Parse("10.9.9.1");

    private static readonly string Directory = Path.Combine(NamespaceMaker.All, $"tests-{Environment.ProcessId}");

    public static NamespaceMaker Namespaces { get; } = new(Directory);

    public static void Run(Action<HostKernel> body)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "namespaces need root");
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.Equal(0, Libc.Unshare(Libc.NewNetwork));
                using var kernel = new HostKernel();
                using var socket = NetlinkSocket.Open();
                socket.Do(LinkMessages.Up(1), "bring up the loopback device");
                socket.Do(LinkMessages.Address(true, 1, Underlay, 24, RouteAttribute.ScopeUniverse, routed: true), "give the host an address");
                body(kernel);
            }
            catch (Exception error)
            {
                failed = error;
            }
        });
        thread.Start();
        thread.Join();
        if (failed is not null)
            throw new InvalidOperationException($"in the scratch host: {failed.Message}", failed);
    }

    /// <summary>Brings the host to what is wanted and looks whether it is there.</summary>
    public static ImmutableArray<HostChange> Bring(HostKernel kernel, PlaneState state)
    {
        var wanted = HostPlan.Of(state, kernel.UnderlayMtu(Underlay, kernel.Links()));
        var changes = HostDifference.Between(wanted, kernel.Read(kernel.Links(), wanted.Settings.Keys));
        foreach (var change in changes)
            kernel.Apply(change);
        Assert.Equal([], HostDifference.Between(wanted, kernel.Read(kernel.Links(), wanted.Settings.Keys)));
        return changes;
    }

    public static NetworkPeer Peer(int number) => new(new NodeId((UInt128)number), number, IPAddress.Parse($"10.9.9.{number}"), $"host{number}");

    public static PlaneState State(int peers, params NodeNetwork[] networks) => new(new NodeNetworks
    {
        Self = Peer(1),
        Pool = IPNetwork.Parse("10.128.0.0/10"),
        Peers = Enumerable.Range(2, peers).Select(Peer).ToImmutableDictionary(peer => peer.NodeId),
        Networks = networks.ToImmutableDictionary(network => network.Id),
    }, []);

    public static NodeNetwork Network(int number, params int[] remote) => new()
    {
        Id = new NetworkId((UInt128)number),
        Name = $"net{number}",
        Subnet = IPNetwork.Parse($"10.130.{16 * number}.0/20"),
        Vips = IPNetwork.Parse($"10.130.{16 * number + 15}.0/24"),
        Slices = [IPNetwork.Parse($"10.130.{16 * number + 1}.0/26")],
        Remote = [.. remote.Select(node => new RemoteSlice(IPNetwork.Parse($"10.130.{16 * number + node}.0/26"), node))],
    };

    /// <summary>Whether a call from one namespace to an address that is listened on in another gets through, and from which address it comes.</summary>
    public static IPAddress Call(string from, string to, IPAddress address)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Socket? server = null;
        In(to, () =>
        {
            server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            server.Bind(new IPEndPoint(IPAddress.Any, 8080));
            server.Listen();
        });
        using (server)
        {
            In(from, () =>
            {
                using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                if (!client.ConnectAsync(new IPEndPoint(address, 8080)).Wait(TimeSpan.FromSeconds(10)))
                    throw new TimeoutException($"{address} does not answer");
            });
            using var accepted = server!.Accept();
            return ((IPEndPoint)accepted.RemoteEndPoint!).Address;
        }
    }

    public static void In(string name, Action body)
    {
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                var descriptor = Libc.OpenFile(Path.Combine(Directory, name));
                Assert.Equal(0, Libc.Enter(descriptor, Libc.NewNetwork));
                _ = Libc.Close(descriptor);
                body();
            }
            catch (Exception error)
            {
                failed = error;
            }
        });
        thread.Start();
        thread.Join();
        if (failed is not null)
            throw new InvalidOperationException($"in {name}: {failed.Message}", failed);
    }
}
