using System.Net.Sockets;
using Grpc.Net.Client;

namespace Berth.Bench.Simulation;

/// <summary>gRPC over a unix socket.</summary>
public static class UnixChannel
{
    /// <summary>A channel with a connection of its own.</summary>
    public static GrpcChannel Open(string socket) => GrpcChannel.ForAddress("http://manager", new GrpcChannelOptions
    {
        MaxReceiveMessageSize = null,
        MaxSendMessageSize = null,
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
        },
    });
}
