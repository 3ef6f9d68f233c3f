namespace Berth.Model;

/// <summary>Rules of the network a container joins and the ports it publishes.</summary>
internal static class NetworkRules
{
    private const int HighestPort = 65_535;

    public static void Check(SpecProblems problems, NetworkMode network, ValueList<PortConfig> ports)
    {
        problems.Known("network_mode", network);
        problems.AddIf(network != NetworkMode.Bridge && !ports.IsEmpty, "ports",
            network == NetworkMode.Host
                ? "a container in the host's network listens on the host's ports itself; leave out ports, or network_mode: host"
                : "a container without network cannot publish ports; leave out ports, or network_mode: none");

        var published = new HashSet<(int, PortProtocol)>();
        for (var at = 0; at < ports.Count; at++)
        {
            var (port, path) = (ports[at], $"ports[{at}]");
            problems.Known($"{path}.protocol", port.Protocol);
            problems.AddIf(port.Target is < 1 or > HighestPort, $"{path}.target", $"port {port.Target} in the container is not from 1 to {HighestPort}");
            problems.AddIf(port.Published is < 0 or > HighestPort, $"{path}.published",
                $"published port {port.Published} is not from 1 to {HighestPort} (0 lets the engine choose)");
            problems.AddIf(port.Published > 0 && !published.Add((port.Published, port.Protocol)), $"{path}.published",
                $"port {port.Published} ({port.Protocol}) is published twice");
        }
    }
}
