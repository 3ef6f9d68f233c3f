using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Agent.Names;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace Berth.Tests.Integration.Networks;

/// <summary>The name server on real sockets.</summary>
public sealed class NamesTests(ITestOutputHelper output) : IDisposable
{
    private const ushort Unknown = 3;
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-names-").FullName;
    private readonly Plane _plane = new();

    public void Dispose()
    {
        NameKeeper.Release(_directory);
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Names_are_answered_by_datagram_and_connection()
    {
        using var server = Start(new IPEndPoint(IPAddress.Loopback, 0), out var at);

        var (code, addresses, isCut) = Read(await AskAsync(at, "web"));
        Assert.Equal((0, "10.130.15.10", false), (code, string.Join(' ', addresses), isCut));
        (code, addresses, isCut) = Read(await AskAsync(at, "tasks.web"));
        Assert.Equal((0, true), (code, isCut));
        Assert.InRange(addresses.Length, 20, 32);
        Assert.Equal(100, Read(await AskByTcpAsync(at, "tasks.web")).Addresses.Length);
        Assert.Equal(Unknown, Read(await AskAsync(at, "nobody")).Code);
    }

    [Fact]
    public async Task Questions_wait_while_the_agent_is_restarted()
    {
        var first = Start(new IPEndPoint(IPAddress.Loopback, 0), out var at);
        Assert.Equal(0, Read(await AskAsync(at, "web")).Code);
        for (var attempt = 0; !File.Exists(Path.Combine(_directory, "names.holder")); attempt++)
        {
            Assert.True(attempt < 100, "nothing holds the sockets");
            await Task.Delay(50);
        }
        first.Dispose();
        var asked = AskAsync(at, "web");
        var askedByTcp = AskByTcpAsync(at, "web");
        await Task.Delay(500);
        Assert.False(asked.IsCompleted);

        using var second = Start(at, out _, mustBeTaken: true);

        Assert.Equal(0, Read(await asked).Code);
        Assert.Equal(0, Read(await askedByTcp).Code);
    }

    [Fact]
    public async Task What_is_not_ours_is_asked_of_the_hosts_servers()
    {
        using var upstream = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        upstream.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var answering = Task.Run(async () =>
        {
            var packet = new byte[512];
            var question = await upstream.ReceiveFromAsync(packet, new IPEndPoint(IPAddress.Any, 0));
            packet[2] |= 0x80;
            await upstream.SendToAsync(packet.AsMemory(0, question.ReceivedBytes), question.RemoteEndPoint);
        });
        using var server = Start(new IPEndPoint(IPAddress.Loopback, 0), out var at, upstreamPort: ((IPEndPoint)upstream.LocalEndPoint!).Port);

        Assert.Equal(0, Read(await AskAsync(at, "example.com")).Code);
        await answering;
    }

    [Fact]
    public async Task Many_are_answered()
    {
        using var server = Start(new IPEndPoint(IPAddress.Loopback, 0), out var at);
        using var client = new UdpClient();
        client.Connect(at);
        var query = Query("web");
        var (begun, answered) = (Stopwatch.StartNew(), 0);
        for (var round = 0; round < 500; round++)
        {
            for (var each = 0; each < 40; each++)
                client.Send(query);
            for (var each = 0; each < 40; each++)
                answered += client.Receive(ref at).Length > 12 ? 1 : 0;
        }
        output.WriteLine($"{answered / begun.Elapsed.TotalSeconds:F0} questions a second");
        Assert.Equal(20_000, answered);
        await Task.CompletedTask;
    }

    private Running Start(IPEndPoint wanted, out IPEndPoint at, bool mustBeTaken = false, int upstreamPort = 1)
    {
        _plane.Change(_ => State());
        if (wanted.Port == 0)
        {
            using var free = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
            wanted = (IPEndPoint)free.Client.LocalEndPoint!;
        }
        var sockets = HeldSockets.Open(wanted, _directory, NullLogger.Instance, TimeProvider.System);
        Assert.True(sockets.AreTaken || !mustBeTaken);
        at = wanted;
        var server = new NameServer(_plane, new Upstream(() => [IPAddress.Loopback], TimeProvider.System, upstreamPort), Random.Shared, NullLogger.Instance, TimeProvider.System);
        return new Running(sockets, server);
    }

    private static PlaneState State()
    {
        var network = TwoHosts.ANetwork(0);
        var web = new ServiceEndpoints
        {
            Id = new ServiceId(7), Name = "web", Networks = [new ServiceNetwork(network.Id, IPAddress.Parse("10.130.15.10"), [])],
            Backends = Enumerable.Range(1, 100).Select(at => new Backend(new TaskId((UInt128)(uint)at), at, 2, false,
                [new TaskAddress(network.Id, IPAddress.Parse($"10.130.2.{at}"))])).ToValueList(),
        };
        return new PlaneState(
            new NodeNetworks
            {
                Self = new NetworkPeer(new NodeId(1), 1, IPAddress.Loopback, "here"), Pool = TwoHosts.Pool,
                Networks = ImmutableDictionary<NetworkId, NodeNetwork>.Empty.Add(network.Id, network),
                Services = ImmutableDictionary<ServiceId, ServiceEndpoints>.Empty.Add(web.Id, web),
            },
            // The test itself is the container that asks.
            [new LocalEndpoint(new TaskId(500), network.Id, IPAddress.Loopback, "bv0.0", "c")]);
    }

    private static byte[] Query(string name)
    {
        List<byte> packet = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        foreach (var label in name.Split('.'))
            packet.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        return [.. packet, 0, 0, 1, 0, 1];
    }

    private static async Task<byte[]> AskAsync(IPEndPoint at, string name)
    {
        using var client = new UdpClient();
        client.Connect(at);
        await client.SendAsync(Query(name));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return (await client.ReceiveAsync(patience.Token)).Buffer;
    }

    private static async Task<byte[]> AskByTcpAsync(IPEndPoint at, string name)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(at);
        var query = Query(name);
        await client.GetStream().WriteAsync((byte[])[0, (byte)query.Length, .. query]);
        var prefix = new byte[2];
        await client.GetStream().ReadExactlyAsync(prefix);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        await client.GetStream().ReadExactlyAsync(answer);
        return answer;
    }

    private static (int Code, string[] Addresses, bool IsCut) Read(byte[] answer)
    {
        var count = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(6));
        var addresses = Enumerable.Range(0, count).Select(at => new IPAddress(answer.AsSpan(answer.Length - 16 * (count - at) + 12, 4)).ToString());
        return (answer[3] & 15, [.. addresses], (answer[2] & 2) != 0);
    }

    private sealed class Running : IDisposable
    {
        private readonly CancellationTokenSource _ending = new();
        private readonly Task _running;

        public Running(HeldSockets sockets, NameServer server)
        {
            _running = Task.WhenAll(server.RunAsync(sockets.Datagrams, sockets.Listener, _ending.Token), sockets.HoldAsync(_ending.Token));
        }

        // As an agent ends: nothing is shut down that the holder has.
        public void Dispose()
        {
            _ending.Cancel();
            _running.ContinueWith(_ => { }, TaskScheduler.Default).GetAwaiter().GetResult();
            _ending.Dispose();
        }
    }
}
