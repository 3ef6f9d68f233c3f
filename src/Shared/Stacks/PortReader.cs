using System.Text.RegularExpressions;
using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads published ports. Until requests are routed between nodes, a port is published on the task's own node:
/// Docker's <c>mode: host</c>, which the file has to say.</summary>
internal static partial class PortReader
{
    private const int Highest = 65535;

    public static ValueList<PortConfig> Read(Field? field)
    {
        var ports = new List<PortConfig>();
        foreach (var item in field?.Items() ?? [])
        {
            if (item.Node is YamlScalar scalar)
                RefuseShort(item, scalar);
            else if (ReadLong(item) is { } port)
                ports.Add(port);
        }
        return ports.ToValueList();
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
        var protocol = item.Get("protocol")?.Word("tcp", "udp", "sctp") switch
        {
            "udp" => PortProtocol.Udp,
            "sctp" => PortProtocol.Sctp,
            _ => PortProtocol.Tcp,
        };
        CheckMode(item);
        return target == 0 ? null : new PortConfig(target, published, protocol);
    }

    private static void CheckMode(Field item)
    {
        const string next = "write mode: host; the port is then published on the nodes that run a task";
        if (item.Get("mode") is not { } mode)
            item.Problem("without a mode this port is to answer on every node (ingress), which is not supported yet", next);
        else if (mode.Word("host", "ingress") == "ingress")
            mode.Problem("a port that answers on every node is not supported yet", next);
    }

    private static void RefuseShort(Field item, YamlScalar scalar)
    {
        var match = Short().Match(scalar.Text);
        if (!match.Success || !IsPort(match.Groups["target"].Value) || (match.Groups["published"] is { Success: true } given && !IsPort(given.Value)))
        {
            item.Problem($"{(scalar.Text.Length == 0 ? "an empty text" : item.Node.Kind)} is not a port", "write - {target: 80, published: 8080, mode: host}");
            return;
        }
        var published = match.Groups["published"] is { Success: true } port ? $", published: {port.Value}" : "";
        var protocol = match.Groups["protocol"] is { Success: true } name ? $", protocol: {name.Value}" : "";
        item.Problem($"'{scalar.Text}' is to answer on every node (ingress), which is not supported yet",
            $"write - {{target: {match.Groups["target"].Value}{published}{protocol}, mode: host}}");
    }

    private static bool IsPort(string text) => int.TryParse(text, out var port) && port is >= 1 and <= Highest;

    [GeneratedRegex(@"^([0-9]+(\.[0-9]+){3}:|\[[0-9a-fA-F:]+\]:)?((?<published>[0-9]+)?:)?(?<target>[0-9]+)(/(?<protocol>tcp|udp|sctp))?\z")]
    private static partial Regex Short();
}
