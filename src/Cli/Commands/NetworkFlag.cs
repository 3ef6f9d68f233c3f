using System.Net;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Cli.Commands;

/// <summary>Reads <c>--network</c>: a network's name, <c>bridge</c>, <c>host</c> or <c>none</c>, or <c>name=front,alias=www,ip=10.130.0.10</c>.</summary>
/// <param name="Host">A network of each host's own; null for one of the cluster.</param>
/// <param name="Attachment">The network of the cluster; its target is what was written.</param>
internal sealed record NetworkFlag(NetworkMode? Host, NetworkAttachment Attachment)
{
    /// <summary>Reads one network.</summary>
    /// <exception cref="FormatException">It is neither form.</exception>
    public static NetworkFlag Parse(string text)
    {
        if (text.Length == 0)
            throw new FormatException("write the name of a network; see them: berth network ls");
        if (!text.Contains('=', StringComparison.Ordinal))
            return Of(new NetworkAttachment { Target = text });
        var (name, aliases, address) = ("", new List<string>(), (IPAddress?)null);
        foreach (var part in text.Split(','))
        {
            var (key, value) = part.Split('=', 2) is [var left, var right] ? (left.Trim(), right.Trim()) : throw new FormatException("write name=NETWORK,alias=NAME");
            switch (key)
            {
                case "name":
                    name = value;
                    break;
                case "alias":
                    aliases.Add(value);
                    break;
                case "ip":
                    address = IPAddress.TryParse(value, out var read) ? read : throw new FormatException($"'{value}' is not an IP address");
                    break;
                case "driver-opt":
                    throw new FormatException("there is no option for a service's place in a network; leave out driver-opt");
                default:
                    throw new FormatException($"'{key}' is not part of a network; known are name, alias and ip");
            }
        }
        return name.Length > 0
            ? Of(new NetworkAttachment { Target = name, Aliases = aliases.ToValueList(), Address = address })
            : throw new FormatException("name=NETWORK is missing");
    }

    private static NetworkFlag Of(NetworkAttachment attachment) => new(
        attachment.Target switch
        {
            "bridge" => NetworkMode.Bridge,
            "host" => NetworkMode.Host,
            "none" => NetworkMode.None,
            _ => null,
        },
        attachment);
}
