using System.Net.Sockets;
using System.Text.RegularExpressions;
using Berth.Model.Networks;

namespace Berth.Model;

/// <summary>Rules of networks, of who is in them, and of ports that every node answers on.</summary>
public static partial class EndpointRules
{
    private const int HighestPort = 65_535;
    private const int MostAliases = 100;
    private const int SmallestMtu = 576;

    /// <summary>Networks that one service may be in.</summary>
    public const int MostNetworks = 32;

    /// <summary>Every problem of a network's spec; empty when it may be made. Paths are those of a stack file's network.</summary>
    public static IEnumerable<SpecProblem> Check(NetworkSpec spec)
    {
        if (SpecRules.NameProblem(spec.Name) is { } wrongName)
            yield return new("name", wrongName);
        if (spec.Name is "bridge" or "host" or "none")
            yield return new("name", $"'{spec.Name}' is a network of each host's own; choose another name");
        if (spec.Driver is not (NetworkSpec.Overlay or "default"))
            yield return new("driver", $"there is no driver '{spec.Driver}'; leave it out, or write overlay");
        foreach (var key in spec.Labels.Keys)
        {
            if (SpecRules.LabelKeyProblem(key) is { } problem)
                yield return new("labels", problem);
        }
        foreach (var (key, value) in spec.DriverOptions)
        {
            if (OptionProblem(key, value) is { } problem)
                yield return new("driver_opts", problem);
        }
        if (spec.Subnet is not { } subnet)
            yield break;
        if (subnet.BaseAddress.AddressFamily != AddressFamily.InterNetwork)
            yield return new("ipam", $"subnet {subnet} is not IPv4, which is all there is yet; leave it out, or write an IPv4 one");
        else if (subnet.PrefixLength is < AddressPlan.LargestNetwork or > AddressPlan.SmallestNetwork)
            yield return new("ipam", $"subnet {subnet} has a prefix of /{subnet.PrefixLength}; write one from /{AddressPlan.LargestNetwork} to /{AddressPlan.SmallestNetwork}");
    }

    /// <summary>The largest packet a network's spec asks for, bytes; 0 when it does not.</summary>
    public static int MtuOf(NetworkSpec spec) =>
        (spec.DriverOptions.TryGetValue(NetworkSpec.MtuOption, out var text) || spec.DriverOptions.TryGetValue("mtu", out text)) && int.TryParse(text, out var mtu) ? mtu : 0;

    internal static void Check(SpecProblems problems, ServiceSpec spec)
    {
        var (networks, endpoint) = (spec.Task.Networks, spec.Endpoint);
        problems.Known("deploy.endpoint_mode", endpoint.Mode);
        problems.AddIf(spec.Task.Network != NetworkMode.Bridge && !networks.IsEmpty, "networks",
            "a container in its host's network, or in none, is in no network of the cluster; leave out networks, or network_mode");
        problems.AddIf(networks.Count > MostNetworks, "networks", $"a service is in {MostNetworks} networks at most; leave out some");
        var targets = new HashSet<string>(StringComparer.Ordinal);
        foreach (var attachment in networks)
            Check(problems, attachment, targets);
        CheckAddresses(problems, spec);
        CheckPorts(problems, spec);
    }

    // What only the whole stack shows.
    internal static void CheckTogether(SpecProblems problems, StackSpec stack, string prefix)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var network in stack.Networks)
        {
            var path = "networks." + (network.Name.StartsWith(prefix, StringComparison.Ordinal) ? network.Name[prefix.Length..] : network.Name);
            problems.AddIf(!names.Add(network.Name), path, $"the name '{network.Name}' occurs twice; give one of them another name");
            foreach (var problem in Check(network))
                problems.Add($"{path}.{problem.Path}", problem.Message);
        }
        var taken = new Dictionary<(int, PortProtocol), string>();
        foreach (var service in stack.Services)
        {
            foreach (var port in service.Endpoint.Ports.Where(port => port.Published > 0))
            {
                if (taken.TryAdd((port.Published, port.Protocol), service.Name) || taken[(port.Published, port.Protocol)] == service.Name)
                    continue;
                var name = service.Name.StartsWith(prefix, StringComparison.Ordinal) ? service.Name[prefix.Length..] : service.Name;
                problems.Add($"services.{name}.ports",
                    $"port {port.Published} ({Word(port.Protocol)}) is published by service '{taken[(port.Published, port.Protocol)]}' too; choose another");
            }
        }
    }

    private static void Check(SpecProblems problems, NetworkAttachment attachment, HashSet<string> targets)
    {
        var path = $"networks.{attachment.Target}";
        problems.AddIf(attachment.Target.Length == 0, "networks", "a network's name is missing; write it");
        problems.AddIf(!targets.Add(attachment.Target), path, $"the network '{attachment.Target}' is named twice; leave out one");
        problems.AddIf(attachment.Aliases.Count > MostAliases, $"{path}.aliases", $"{attachment.Aliases.Count} aliases are more than {MostAliases}; leave out some");
        foreach (var alias in attachment.Aliases)
            problems.AddIf(!Alias().IsMatch(alias), $"{path}.aliases", $"'{alias}' is not a name for a container; use letters, digits, '-', '_' and '.', at most 63 between two dots");
        problems.AddIf(attachment.Address is { AddressFamily: not AddressFamily.InterNetwork }, $"{path}.ipv4_address", $"{attachment.Address} is not an IPv4 address; write one");
    }

    private static void CheckAddresses(SpecProblems problems, ServiceSpec spec)
    {
        if (spec.Task.Networks.FirstOrDefault(attachment => attachment.Address is not null) is not { } attachment)
            return;
        var path = $"networks.{attachment.Target}.ipv4_address";
        problems.AddIf(spec.Mode is not ServiceMode.Replicated { Replicas: <= 1 }, path,
            "an address is one task's, and this service has several; write replicas: 1, or leave the address out");
        problems.AddIf(spec.Update.Order == UpdateOrder.StartFirst || spec.Rollback.Order == UpdateOrder.StartFirst, path,
            "with start-first two tasks would need the address at once; write order: stop-first, or leave the address out");
    }

    private static void CheckPorts(SpecProblems problems, ServiceSpec spec)
    {
        if (spec.Endpoint.Ports.IsEmpty)
            return;
        problems.AddIf(spec.Endpoint.Mode == EndpointMode.Dnsrr, "ports",
            "a service without virtual addresses (dnsrr) publishes no ports on every node; write mode: host, or endpoint_mode: vip");
        problems.AddIf(spec.Task.Network != NetworkMode.Bridge, "ports",
            "a container in its host's network, or in none, publishes no ports; leave out ports, or network_mode");
        var published = spec.Task.Ports.Select(port => (port.Published, port.Protocol)).ToHashSet();
        foreach (var port in spec.Endpoint.Ports)
        {
            problems.Known("ports", port.Protocol);
            problems.AddIf(port.Protocol == PortProtocol.Sctp, "ports", $"port {port.Target} (sctp) cannot be published on every node yet; write mode: host");
            problems.AddIf(port.Target is < 1 or > HighestPort, "ports", $"port {port.Target} in the container is not from 1 to {HighestPort}; write one that is");
            problems.AddIf(port.Published is < 0 or > HighestPort, "ports", $"published port {port.Published} is not from 1 to {HighestPort} (0 lets the cluster choose); write one that is");
            problems.AddIf(port.Published > 0 && !published.Add((port.Published, port.Protocol)), "ports",
                $"port {port.Published} ({Word(port.Protocol)}) is published twice; leave out one");
        }
    }

    private static string? OptionProblem(string key, string value) => key switch
    {
        NetworkSpec.MtuOption or "mtu" => int.TryParse(value, out var mtu) && mtu is >= SmallestMtu and <= HighestPort
            ? null
            : $"'{value}' is not the size of a packet; write a number from {SmallestMtu} to {HighestPort}",
        "encrypted" => "encryption between nodes is not there yet; leave out encrypted, or encrypt the underlay",
        _ => $"there is no option '{key}'; leave it out, or write {NetworkSpec.MtuOption}",
    };

    private static string Word(PortProtocol protocol) => protocol switch
    {
        PortProtocol.Udp => "udp",
        PortProtocol.Sctp => "sctp",
        _ => "tcp",
    };

    [GeneratedRegex(@"\A(?=.{1,253}\z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Alias();
}
