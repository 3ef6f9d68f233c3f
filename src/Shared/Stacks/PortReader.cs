using System.Globalization;
using System.Text.RegularExpressions;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Ports of a service.</summary>
/// <param name="Host">Those of its tasks' own nodes.</param>
/// <param name="Ingress">Those of every node.</param>
internal sealed record ServicePorts(ValueList<PortConfig> Host, ValueList<PublishedPort> Ingress);

/// <summary>Reads published ports. Without a mode a port is published on every node, as with Docker.</summary>
internal static partial class PortReader
{
    private const int Highest = 65535;
    private const int MostInRange = 1000;

    public static ServicePorts Read(Field? field)
    {
        var (host, ingress) = (new List<PortConfig>(), new List<PublishedPort>());
        foreach (var item in field?.Items() ?? [])
        {
            if (item.Node is YamlScalar scalar)
                ingress.AddRange(ReadShort(item, scalar));
            else if (ReadLong(item) is not { } port)
                continue;
            else if (IsHost(item))
                host.Add(port);
            else
                ingress.Add(new PublishedPort("", port.Protocol, port.Target, port.Published));
        }
        return new ServicePorts(host.ToValueList(), ingress.Distinct().ToValueList());
    }

    private static PortConfig? ReadLong(Field item)
    {
        Keys.Port.Check(item);
        if (item.Node is not YamlMap)
            return null;
        if (item.Get("target") is null)
            item.Problem("it has no target", "write target: and the port in the container");
        var target = item.Get("target")?.Integer(1, Highest) ?? 0;
        var published = item.Get("published")?.Integer(0, Highest) ?? 0;
        var protocol = Protocol(item.Get("protocol")?.Word("tcp", "udp", "sctp"));
        item.Get("mode")?.Word("host", "ingress");
        return target == 0 ? null : new PortConfig(target, published, protocol);
    }

    private static bool IsHost(Field item) => item.Get("mode")?.Node is YamlScalar { Text: "host" };

    // TARGET, PUBLISHED:TARGET, with ranges of the same length and a protocol behind.
    private static IEnumerable<PublishedPort> ReadShort(Field item, YamlScalar scalar)
    {
        var match = Short().Match(scalar.Text);
        if (!match.Success || Range(match.Groups["target"].Value) is not { } targets
            || (match.Groups["published"] is { Success: true } given ? Range(given.Value) : targets with { First = 0 }) is not { } published)
        {
            item.Problem($"{(scalar.Text.Length == 0 ? "an empty text" : item.Node.Kind)} is not a port", "write \"8080:80\", or - {target: 80, published: 8080}");
            return [];
        }
        if (match.Groups["address"].Success)
            item.Warn($"the address of '{scalar.Text}' is passed over: every address of every node answers", "leave it out");
        if (published.First != 0 && published.Count != targets.Count)
        {
            item.Problem($"'{scalar.Text}' has {published.Count} published ports for {targets.Count} of the container", "write ranges of the same length");
            return [];
        }
        var protocol = Protocol(match.Groups["protocol"] is { Success: true } name ? name.Value : null);
        return Enumerable.Range(0, targets.Count).Select(at => new PublishedPort("", protocol, targets.First + at, published.First == 0 ? 0 : published.First + at));
    }

    private static (int First, int Count)? Range(string text)
    {
        var parts = text.Split('-');
        if (!IsPort(parts[0]) || !IsPort(parts[^1]))
            return null;
        var (first, last) = (int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[^1], CultureInfo.InvariantCulture));
        return last < first || last - first >= MostInRange ? null : (first, last - first + 1);
    }

    private static PortProtocol Protocol(string? word) => word switch
    {
        "udp" => PortProtocol.Udp,
        "sctp" => PortProtocol.Sctp,
        _ => PortProtocol.Tcp,
    };

    private static bool IsPort(string text) => int.TryParse(text, out var port) && port is >= 1 and <= Highest;

    [GeneratedRegex(@"^(?<address>[0-9]+(\.[0-9]+){3}:|\[[0-9a-fA-F:]+\]:)?((?<published>[0-9]+(-[0-9]+)?)?:)?(?<target>[0-9]+(-[0-9]+)?)(/(?<protocol>tcp|udp|sctp))?\z")]
    private static partial Regex Short();
}
