using System.Net.Security;
using Berth.Protocol;

namespace Berth.Manager.Forwarding;

/// <summary>Connections to other managers' gRPC ports, over which calls are passed on.</summary>
public sealed class LeaderConnections : IDisposable
{
    // A manager that does not take a connection by then is no leader for long.
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(1);

    // A leader that lost power says nothing: calls that wait for it ask after it.
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(1);

    // A certificate that was replaced, or is trusted no more, is not kept alive by a connection.
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(30);

    /// <summary>Connections with this process's identity, to managers only.</summary>
    /// <param name="tls">Null where addresses are cleartext.</param>
    public LeaderConnections(SslClientAuthenticationOptions? tls)
    {
        var handler = Http2.Handler(ConnectTime, PingAfter, PingAfter, tls);
        handler.ActivityHeadersPropagator = null;
        handler.PooledConnectionLifetime = ConnectionLife;
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        Invoker = new HttpMessageInvoker(handler);
    }

    /// <summary>Sends requests on them.</summary>
    public HttpMessageInvoker Invoker { get; }

    /// <inheritdoc/>
    public void Dispose() => Invoker.Dispose();
}
