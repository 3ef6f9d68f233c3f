using Berth.Protocol.V1;

namespace Berth.Cli.Output.Lists;

/// <summary>What is shortened in tables, as Docker does it.</summary>
internal static class Short
{
    private const int IdLength = 12;

    /// <summary>The first 12 characters.</summary>
    public static string Id(string id) => id.Length > IdLength ? id[..IdLength] : id;

    /// <summary>Without the digest, where there is also a tag.</summary>
    public static string Image(string image)
    {
        var at = image.IndexOf('@', StringComparison.Ordinal);
        return at > 0 && image[..at].Split('/')[^1].Contains(':', StringComparison.Ordinal) ? image[..at] : image;
    }

    /// <summary>As <c>*:8080->80/tcp</c>; a port that the engine chose later is only its target.</summary>
    public static string Ports(IEnumerable<PortConfig> ports) => string.Join(", ", ports
        .OrderBy(port => port.Published).ThenBy(port => port.Target)
        .Select(port => $"{(port.Published > 0 ? $"*:{port.Published}->" : "")}{port.Target}/{Protocol(port.Protocol)}"));

    /// <summary>A service's ports as Docker writes them: those of every node, then those of its tasks' own.</summary>
    public static string Ports(Service service) => string.Join(", ", new[]
    {
        string.Join(", ", (service.Endpoint?.Ports ?? []).OrderBy(port => port.Published).Select(port => $"*:{port.Published}->{port.Target}/{port.Protocol}")),
        Ports(service.Spec.Task.Ports),
    }.Where(text => text.Length > 0));

    private static string Protocol(PortProtocol protocol) => protocol switch
    {
        PortProtocol.Udp => "udp",
        PortProtocol.Sctp => "sctp",
        _ => "tcp",
    };
}
