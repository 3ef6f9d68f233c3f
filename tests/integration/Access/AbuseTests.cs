using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Google.Protobuf;
using Grpc.Core;
using Xunit.Abstractions;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Access;

/// <summary>What strangers may send to a manager's port: it stays up, keeps its memory, and answers everybody else.</summary>
public sealed class AbuseTests(ITestOutputHelper output)
{
    private const int LargestGrowthBytes = 400 << 20;

    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];

    [Fact]
    public async Task A_manager_survives_malformed_frames_and_messages_of_every_kind()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var manager = await NetworkManager.StartAsync();
        var vic = await manager.AdmitAsync("vic", "viewer");
        using var honest = manager.Connect(vic);
        var before = Memory(manager);
        using var asking = new CancellationTokenSource();
        var asked = AskAsync(honest, asking.Token);

        for (var round = 0; round < 60; round++)
        {
            await SendAsync(manager, withTls: round % 4 != 0, Malformed(random, round));
            if (round % 10 == 0)
                await new Control.ControlClient(honest).GetInfoAsync(new GetInfoRequest());
        }
        await asking.CancelAsync();
        Assert.True(await asked > 10);
        Assert.True(Memory(manager) - before < LargestGrowthBytes, $"memory grew from {before} to {Memory(manager)} bytes");
        await new Control.ControlClient(honest).GetInfoAsync(new GetInfoRequest());
        Assert.Contains(await manager.AuditAsync(), entry => entry.Call == "connection" && entry.Outcome.StartsWith("refused: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Messages_that_are_too_large_or_no_messages_are_refused()
    {
        await using var manager = await NetworkManager.StartAsync();
        var vic = await manager.AdmitAsync("vic", "viewer");
        using var nobody = manager.ConnectNobody(vic);
        var enrollment = new Enrollment.EnrollmentClient(nobody);

        var large = await Assert.ThrowsAsync<RpcException>(async () => await enrollment.EnrollAsync(new EnrollRequest { Token = new string('x', 1 << 20) }));
        Assert.Equal(StatusCode.ResourceExhausted, large.StatusCode);
        var wrong = await Assert.ThrowsAsync<RpcException>(async () => await enrollment.EnrollAsync(new EnrollRequest { Token = "BERTH-1-x", SigningRequest = ByteString.CopyFromUtf8("x") }));
        Assert.Equal(StatusCode.InvalidArgument, wrong.StatusCode);
        using var viewer = manager.Connect(vic);
        var deployed = await Assert.ThrowsAsync<RpcException>(async () => await new Control.ControlClient(viewer).DeployStackAsync(
            new DeployStackRequest { Spec = new StackSpec { Name = new string('x', 20 << 20) } }));
        Assert.NotEqual(StatusCode.OK, deployed.StatusCode);
        foreach (var name in new[] { "../../etc/passwd", "a/b", "a\0b", new string('x', 10_000), "ann;rm -rf /" })
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => manager.AdmitAsync(name, "admin"));
            Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Who_only_holds_connections_open_keeps_nobody_else_out()
    {
        await using var manager = await NetworkManager.StartAsync();
        var vic = await manager.AdmitAsync("vic", "viewer");
        var held = new List<Socket>();
        try
        {
            for (var number = 0; number < 200; number++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                held.Add(socket);
                await socket.ConnectAsync(manager.Address);
                await socket.SendAsync(new byte[] { 22, 3, 1 });
            }
            using var channel = manager.Connect(vic);
            await new Control.ControlClient(channel).GetInfoAsync(new GetInfoRequest());
            using var deadline = new CancellationTokenSource(ManagerProcess.Deadline);
            Assert.Equal(0, await EndOfAsync(held[0], deadline.Token));
        }
        finally
        {
            held.ForEach(socket => socket.Dispose());
        }
    }

    private static async Task<int> EndOfAsync(Socket socket, CancellationToken cancellation)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], cancellation);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static async Task<int> AskAsync(Grpc.Net.Client.GrpcChannel channel, CancellationToken stop)
    {
        var answers = 0;
        while (!stop.IsCancellationRequested)
        {
            await new Control.ControlClient(channel).ListStacksAsync(new ListStacksRequest(), cancellationToken: CancellationToken.None);
            answers++;
            await Task.Delay(20, CancellationToken.None);
        }
        return answers;
    }

    private static async Task SendAsync(NetworkManager manager, bool withTls, byte[] bytes)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(manager.Address);
        try
        {
            Stream stream = socket.GetStream();
            if (withTls)
            {
                var tls = new SslStream(stream, false, (_, _, _, _) => true);
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    EnabledSslProtocols = SslProtocols.Tls13, ApplicationProtocols = [SslApplicationProtocol.Http2], TargetHost = "x",
                });
                stream = tls;
            }
            await stream.WriteAsync(bytes);
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            while (await stream.ReadAsync(new byte[4096], patience.Token) > 0)
            {
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or AuthenticationException or SocketException)
        {
            // It hung up, or has nothing to say: both are answers.
        }
    }

    // Frames of HTTP/2 that break a rule each, and noise.
    private static byte[] Malformed(Random random, int round) => (round % 12) switch
    {
        0 or 4 or 8 => Noise(random, random.Next(1, 20_000)),
        1 => [.. Preface, .. Noise(random, 5_000)],
        2 => [.. Preface, .. Frame(4, 0, 0, []), .. Enumerable.Range(0, 3_000).SelectMany(_ => Frame(4, 0, 0, [0, 4, 0, 0, 255, 255]))],
        3 => [.. Preface, .. Frame(4, 0, 0, []), .. Frame(1, 4, 1, Noise(random, 8_000))],
        5 => [.. Preface, .. Frame(4, 0, 0, []), .. Frame(1, 0, 1, [0x82]), .. Enumerable.Range(0, 500).SelectMany(_ => Frame(9, 0, 1, Noise(random, 200)))],
        6 => [.. Preface, .. Frame(4, 0, 0, []), .. Frame(0, 0, 77, Noise(random, 1_000))],
        7 => [.. Preface, .. Frame(4, 0, 0, []), .. Enumerable.Range(0, 2_000).SelectMany(_ => Frame(6, 0, 0, Noise(random, 8)))],
        9 => [.. Preface, .. Frame(4, 0, 0, []), 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1, .. Noise(random, 4_000)],
        10 => [.. Preface, .. Frame(4, 0, 0, []), .. Enumerable.Range(0, 1_000).SelectMany(number => (byte[])[.. Frame(1, 4, 1 + (2 * number), [0x82, 0x87, 0x84]), .. Frame(3, 0, 1 + (2 * number), [0, 0, 0, 8])])],
        _ => [.. Preface, .. Frame(8, 0, 0, [0, 0, 0, 0]), .. Frame(random.Next(0, 256), random.Next(0, 256), random.Next(), Noise(random, random.Next(0, 3_000)))],
    };

    private static byte[] Frame(int type, int flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, (byte)type, (byte)flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static byte[] Noise(Random random, int length)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }

    private static long Memory(NetworkManager manager) => manager.Process.Memory;
}
