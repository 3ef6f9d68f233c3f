using System.Net;
using System.Net.Security;

namespace Berth.Protocol;

/// <summary>How one program of a cluster dials another: what is the same for all of them.</summary>
public static class Http2
{
    /// <summary>A handler for gRPC. Nothing between the two programs is asked or followed: no proxy, no cookies, no other address.</summary>
    /// <param name="connect">How long a connection may take to be made.</param>
    /// <param name="pingAfter">After so much silence it is asked whether somebody is there: one that lost power says nothing.</param>
    /// <param name="pingTimeout">How long that answer may take.</param>
    /// <param name="tls">Null where nobody proves anything, as on a socket of this host.</param>
    public static SocketsHttpHandler Handler(TimeSpan connect, TimeSpan pingAfter, TimeSpan pingTimeout, SslClientAuthenticationOptions? tls)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = connect,
            KeepAlivePingDelay = pingAfter,
            KeepAlivePingTimeout = pingTimeout,
        };
        if (tls is not null)
            handler.SslOptions = tls;
        return handler;
    }
}
