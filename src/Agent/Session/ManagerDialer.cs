using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Berth.Identity;
using Grpc.Net.Client;

namespace Berth.Agent.Session;

/// <summary>A connection to one manager, and the channel that speaks over it.</summary>
public sealed class ManagerConnection(ManagerEndpoint manager, GrpcChannel channel) : IDisposable
{
    /// <summary>Who answers.</summary>
    public ManagerEndpoint Manager { get; } = manager;

    /// <summary>For calls; relays may open more connections of the same kind.</summary>
    public GrpcChannel Channel { get; } = channel;

    /// <inheritdoc/>
    public void Dispose() => Channel.Dispose();
}

/// <summary>Connects to managers: to one, or to whichever of two connects first, and proves who both are.</summary>
/// <param name="identity">Who this agent is; null where it only knows unix sockets.</param>
public sealed class ManagerDialer(TlsIdentity? identity, TimeProvider time)
{
    private const int LargestMessageBytes = 64 << 20;
    private const int TcpLevel = 6, TcpUserTimeout = 18;

    // A peer that acknowledges nothing for so long is gone; a heartbeat a second sees to it that there is something to
    // acknowledge. HTTP/2's own pings cannot be faster than two seconds.
    private static readonly TimeSpan UnacknowledgedFor = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AnotherConnectionWithin = TimeSpan.FromSeconds(5);

    /// <summary>Dials; throws what the last candidate failed with.</summary>
    public async Task<ManagerConnection> ConnectAsync(Dial dial, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(dial.Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var (manager, stream) = dial.Rival is null
                ? (dial.Manager, await OpenAsync(dial.Manager.Url, both.Token).ConfigureAwait(false))
                : await RaceAsync(dial.Manager, dial.Rival, dial.RivalAfter, both.Token).ConfigureAwait(false);
            return new ManagerConnection(manager, Channel(manager.Url, stream));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"it did not answer within {dial.Patience.TotalSeconds:0.0} s");
        }
        catch (SocketException refused)
        {
            throw new IOException(refused.SocketErrorCode == SocketError.ConnectionRefused ? "nobody listens there" : refused.Message, refused);
        }
    }

    private async Task<(ManagerEndpoint, Stream)> RaceAsync(ManagerEndpoint first, ManagerEndpoint rival, TimeSpan rivalAfter, CancellationToken cancellation)
    {
        using var losing = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var leading = OpenAsync(first.Url, losing.Token);
        var head = Task.Delay(rivalAfter, time, losing.Token);
        // A failure is answered by the plan, which dials the rival next anyway: only silence is raced against.
        if (await Task.WhenAny(leading, head).ConfigureAwait(false) == leading)
            return (first, await leading.ConfigureAwait(false));
        cancellation.ThrowIfCancellationRequested();
        var other = OpenAsync(rival.Url, losing.Token);
        var won = await Task.WhenAny(leading, other).ConfigureAwait(false);
        if (!won.IsCompletedSuccessfully)
            won = won == leading ? other : leading;
        try
        {
            return (won == leading ? first : rival, await won.ConfigureAwait(false));
        }
        finally
        {
            await losing.CancelAsync().ConfigureAwait(false);
            _ = DiscardAsync(won == leading ? other : leading);
        }
    }

    private static async Task DiscardAsync(Task<Stream> loser)
    {
        await ((Task)loser).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loser.IsCompletedSuccessfully)
            await (await loser.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
    }

    private async Task<Stream> OpenAsync(Uri manager, CancellationToken cancellation)
    {
        var socket = manager.Scheme == "unix"
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            if (manager.Scheme == "unix")
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(manager.LocalPath), cancellation).ConfigureAwait(false);
            else
            {
                socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, BitConverter.GetBytes((int)UnacknowledgedFor.TotalMilliseconds));
                await socket.ConnectAsync(new DnsEndPoint(manager.IdnHost, manager.Port), cancellation).ConfigureAwait(false);
            }
            stream = new NetworkStream(socket, ownsSocket: true);
            return manager.Scheme == "https" ? stream = await SecureAsync(stream, cancellation).ConfigureAwait(false) : stream;
        }
        catch
        {
            socket.Dispose();
            if (stream is not null)
                await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<SslStream> SecureAsync(Stream stream, CancellationToken cancellation)
    {
        var who = identity ?? throw new AuthenticationException("this agent has no identity yet; join it with: berth cluster join");
        var tls = new SslStream(stream);
        try
        {
            var options = who.ForConnection(CertificateRole.Manager);
            options.ApplicationProtocols = [SslApplicationProtocol.Http2];
            await tls.AuthenticateAsClientAsync(options, cancellation).ConfigureAwait(false);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private GrpcChannel Channel(Uri manager, Stream first)
    {
        Stream? waiting = first;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            KeepAlivePingDelay = PingAfter,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = AnotherConnectionWithin,
            ConnectCallback = async (_, cancellation) =>
                Interlocked.Exchange(ref waiting, null) ?? await OpenAsync(manager, cancellation).ConfigureAwait(false),
        };
        return GrpcChannel.ForAddress(manager.Scheme == "https" ? manager.GetLeftPart(UriPartial.Authority) : "http://manager", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = LargestMessageBytes,
        });
    }
}
