using System.Net.Sockets;
using Grpc.Net.Client;

namespace Berth.Agent.Session;

/// <summary>One connection per manager, made when it is first dialled.</summary>
public sealed class ManagerChannels(IReadOnlyList<Uri> managers) : IDisposable
{
    // A silent cut is noticed within the sum of both.
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(2);
    private const int LargestMessageBytes = 64 << 20;

    private readonly GrpcChannel?[] _channels = new GrpcChannel?[managers.Count];

    /// <summary>The manager to dial in the given attempt, counted from 0: they take turns.</summary>
    public (Uri Manager, GrpcChannel Channel) Turn(int attempt)
    {
        var at = attempt % managers.Count;
        return (managers[at], _channels[at] ??= Open(managers[at]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var channel in _channels)
            channel?.Dispose();
    }

    private static GrpcChannel Open(Uri manager)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = ConnectWithin,
            KeepAlivePingDelay = PingAfter,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
        };
        if (manager.Scheme == "unix")
            handler.ConnectCallback = (_, cancellation) => ConnectAsync(manager.LocalPath, cancellation);
        return GrpcChannel.ForAddress(manager.Scheme == "unix" ? "http://manager" : manager.GetLeftPart(UriPartial.Authority), new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = LargestMessageBytes,
        });
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException refused)
        {
            socket.Dispose();
            throw new IOException($"nobody listens at {path}", refused);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
