using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Berth.Manager.Hosting;

/// <summary>Where the manager listens. Closed: the cases below are all there are.</summary>
public abstract record ListenAddress
{
    private ListenAddress() { }

    /// <summary>A unix socket; <paramref name="Path"/> is absolute.</summary>
    public sealed record Socket(string Path) : ListenAddress
    {
        /// <inheritdoc/>
        public override string ToString() => $"unix://{Path}";
    }

    /// <summary>A network address, cleartext HTTP/2: for labs only, since nobody has to prove who he is.</summary>
    public sealed record Network(IPEndPoint EndPoint) : ListenAddress
    {
        /// <inheritdoc/>
        public override string ToString() => $"http://{EndPoint}";
    }

    // sun_path has 108 bytes, the last of them zero.
    private const int LongestPath = 107;

    /// <summary>Reads <c>unix:///PATH</c> or <c>http://IP:PORT</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenAddress? address, [NotNullWhen(false)] out string? error)
    {
        const string unix = "unix://", http = "http://";
        (address, error) = (null, null);
        if (text.StartsWith(unix + "/", StringComparison.Ordinal))
        {
            var path = text[unix.Length..];
            if (path.Length > LongestPath)
                error = $"'{text}' is longer than the {LongestPath} characters a socket's path may have; choose a shorter one";
            else
                address = new Socket(path);
        }
        else if (text.StartsWith(http, StringComparison.Ordinal)
            && IPEndPoint.TryParse(text[http.Length..].TrimEnd('/'), out var endPoint) && endPoint.Port > 0)
        {
            address = new Network(endPoint);
        }
        else
        {
            error = $"'{text}' is not an address to listen on; write unix:///PATH or http://IP:PORT, such as http://10.0.0.1:2400";
        }
        return address is not null;
    }
}
