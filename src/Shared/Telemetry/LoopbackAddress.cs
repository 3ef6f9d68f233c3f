using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Berth.Telemetry;

/// <summary>Where metrics are served in the clear: to this host only, since nobody has to prove who he is.</summary>
public static class LoopbackAddress
{
    /// <summary>Reads <c>127.0.0.1:PORT</c> or <c>[::1]:PORT</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPEndPoint? address, [NotNullWhen(false)] out string? error)
    {
        (address, error) = (null, null);
        if (!IPEndPoint.TryParse(text, out var read) || read.Port == 0)
            error = $"'{text}' is not an address with a port; write 127.0.0.1:PORT";
        else if (!IPAddress.IsLoopback(read.Address))
            error = $"'{text}' can be reached from other hosts, and nobody would have to prove who he is; write 127.0.0.1:PORT, or read /metrics on the manager's TLS port with a client certificate";
        else
            address = read;
        return address is not null;
    }
}
