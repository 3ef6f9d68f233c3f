using System.Net.Security;
using System.Net.Sockets;
using Berth.Protocol;
using Berth.Protocol.V1;
using Berth.Telemetry;
using Grpc.Core;
using Grpc.Net.Client;

namespace Berth.Cli.Client;

/// <summary>One manager's address and the connection to it, made with the first call.</summary>
internal sealed class Endpoint(ManagerAddress address, ClientTls? tls) : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(5);

    private GrpcChannel? _channel;
    private Control.ControlClient? _control;
    private ClusterAdmin.ClusterAdminClient? _admin;

    /// <summary>Where the manager is.</summary>
    public ManagerAddress Address => address;

    /// <summary>What the last handshake came to, for errors; null where nobody proves anything.</summary>
    public TlsFacts? Tls { get; private set; } = address.IsTls && tls is not null ? new TlsFacts(tls.Context, tls.Client, null) : null;

    /// <summary>What people's tools ask about stacks, services, tasks and nodes.</summary>
    public Control.ControlClient Control => _control ??= new(Channel);

    /// <summary>What administrators ask about the cluster itself.</summary>
    public ClusterAdmin.ClusterAdminClient Admin => _admin ??= new(Channel);

    private GrpcChannel Channel => _channel ??= GrpcChannel.ForAddress(address.SocketPath is null ? address.Url : "http://localhost", new GrpcChannelOptions
    {
        // A client of our own, not a handler: around a handler the channel puts its balancer of many addresses.
        HttpClient = Client(),
        DisposeHttpClient = true,
        MaxReceiveMessageSize = 256 * 1024 * 1024,
    });

    /// <summary>Whether this side did not believe who answered: the authority may be another by now.</summary>
    public bool IsDistrusted => Tls is { Refusal: not null };

    /// <summary>Asks whom to trust now: <see cref="ClientTls.Learn"/>.</summary>
    public async Task<string?> LearnTrust(CancellationToken cancel)
    {
        GrpcChannel? channel = null;
        try
        {
            return await tls!.Learn(Dial, cancel);
        }
        finally
        {
            channel?.Dispose();
        }

        CallInvoker Dial(SslClientAuthenticationOptions options)
        {
            channel = GrpcChannel.ForAddress(address.Url, new GrpcChannelOptions
            {
                HttpHandler = Http2.Handler(ConnectTimeout, PingAfter, PingAfter, options),
                DisposeHttpClient = true,
            });
            return channel.CreateCallInvoker();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel?.Dispose();

    // What this program does has one span: the client's own, for each request, would lie between it and the manager's, and be sent to nobody.
    private HttpClient Client()
    {
        var client = new HttpClient(Handler()) { Timeout = Timeout.InfiniteTimeSpan };
        if (BerthTrace.Parent is { Length: > 0 } trace)
            client.DefaultRequestHeaders.TryAddWithoutValidation("traceparent", trace);
        return client;
    }

    // Pings notice a manager whose machine lost power: without them a stream would wait for ever.
    private SocketsHttpHandler Handler()
    {
        var handler = Http2.Handler(
            ConnectTimeout, PingAfter, PingAfter, address.IsTls && tls is not null ? tls.Options(refusal => Tls = Tls! with { Refusal = refusal }) : null);
        handler.PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan;
        handler.ActivityHeadersPropagator = null;
        if (address.SocketPath is { } path)
            handler.ConnectCallback = (_, cancel) => Connect(path, cancel);
        return handler;
    }

    private static async ValueTask<Stream> Connect(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
