using System.Globalization;
using Berth.Model;

namespace Berth.Cli.Commands;

/// <summary>Reads <c>--publish</c>: <c>8080:80/tcp</c>, or <c>published=8080,target=80,protocol=tcp,mode=host</c>.</summary>
/// <param name="Port">What is published.</param>
/// <param name="IsHost">Whether on each task's own node (<c>mode=host</c>) instead of on every node.</param>
internal sealed record PortFlag(PortConfig Port, bool IsHost)
{
    private const string Form = "write PUBLISHED:TARGET such as 8080:80, or published=8080,target=80,mode=host";

    /// <summary>Reads one port.</summary>
    /// <exception cref="FormatException">It is neither form, or asks for what does not exist.</exception>
    public static PortFlag Parse(string text) => text.Contains('=', StringComparison.Ordinal) ? Long(text) : Short(text);

    private static PortFlag Short(string text)
    {
        var (ports, protocol) = text.Split('/') switch
        {
            [var only] => (only, PortProtocol.Tcp),
            [var before, var after] => (before, Protocol(after)),
            _ => throw new FormatException(Form),
        };
        return ports.Split(':') switch
        {
            [var target] => new PortFlag(new PortConfig(Number(target), 0, protocol), false),
            [var published, var target] => new PortFlag(new PortConfig(Number(target), Number(published), protocol), false),
            _ => throw new FormatException("a host address cannot be chosen; leave it out: the port is published on all addresses of the nodes"),
        };
    }

    private static PortFlag Long(string text)
    {
        var (target, published, protocol, isHost) = (0, 0, PortProtocol.Tcp, false);
        foreach (var part in text.Split(','))
        {
            var (key, value) = part.Split('=', 2) is [var left, var right] ? (left.Trim(), right.Trim()) : throw new FormatException(Form);
            switch (key)
            {
                case "target":
                    target = Number(value);
                    break;
                case "published":
                    published = Number(value);
                    break;
                case "protocol":
                    protocol = Protocol(value);
                    break;
                case "mode" when value == "host":
                    isHost = true;
                    break;
                case "mode" when value == "ingress":
                    isHost = false;
                    break;
                case "mode":
                    throw new FormatException($"'{value}' is not a mode; write mode=ingress or mode=host");
                default:
                    throw new FormatException($"'{key}' is not part of a port; known are target, published, protocol and mode");
            }
        }
        return target > 0 ? new PortFlag(new PortConfig(target, published, protocol), isHost) : throw new FormatException("target=PORT is missing");
    }

    private static PortProtocol Protocol(string text) => text.ToLowerInvariant() switch
    {
        "tcp" => PortProtocol.Tcp,
        "udp" => PortProtocol.Udp,
        "sctp" => PortProtocol.Sctp,
        _ => throw new FormatException($"'{text}' is not a protocol; write tcp, udp or sctp"),
    };

    private static int Number(string text)
    {
        if (text.Contains('-', StringComparison.Ordinal))
            throw new FormatException("ranges are not supported; publish each port by itself");
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65_535
            ? port
            : throw new FormatException($"'{text}' is not a port from 1 to 65535; {Form}");
    }
}
