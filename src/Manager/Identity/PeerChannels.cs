using Berth.Identity;
using Berth.Protocol;
using Grpc.Net.Client;

namespace Berth.Manager.Identity;

/// <summary>Connections to other managers, with this manager's identity and to managers of the cluster only.</summary>
public sealed class PeerChannels(TlsIdentity identity)
{
    // A manager that does not take a connection by then is tried again, or another one is.
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(2);

    // A manager that lost power says nothing.
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(1);

    /// <summary>A channel to the manager at <paramref name="url"/>, <c>https://ADDRESS:PORT</c>; whoever asks disposes it. Each
    /// connection it makes shows the newest certificate.</summary>
    public GrpcChannel Dial(string url) => Dial(url, identity.ForClient(CertificateRole.Manager));

    /// <summary>A channel with other options of TLS: for whoever has no identity yet.</summary>
    internal static GrpcChannel Dial(string url, System.Net.Security.SslClientAuthenticationOptions options)
    {
        var handler = Http2.Handler(ConnectTime, PingAfter, PingTimeout, options);
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        return GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true, MaxReceiveMessageSize = null });
    }
}
