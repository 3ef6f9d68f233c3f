using Berth.Protocol.V1;

namespace Berth.Docker;

/// <summary>Docker's <c>Network</c>, as <c>docker network inspect --verbose</c> shows it.</summary>
public sealed record DockerNetworkResource
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>25 characters.</summary>
    public required string Id { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTime Created { get; init; }
    /// <summary>Always <c>swarm</c>: all nodes have it.</summary>
    public string Scope { get; init; } = "swarm";
    /// <summary>Always <c>overlay</c>.</summary>
    public required string Driver { get; init; }
    /// <summary>Its addresses.</summary>
    public required DockerIpam IPAM { get; init; }
    /// <summary>Whether there is no way out.</summary>
    public required bool Internal { get; init; }
    /// <summary>Whether plain containers may join.</summary>
    public required bool Attachable { get; init; }
    /// <summary>Whether it is the one of published ports.</summary>
    public required bool Ingress { get; init; }
    /// <summary>Options of the driver.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; init; }
    /// <summary>Its labels.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }
    /// <summary>Nodes that have addresses of it.</summary>
    public required IReadOnlyList<DockerNetworkPeer> Peers { get; init; }
    /// <summary>Services in it, by name.</summary>
    public required IReadOnlyDictionary<string, DockerNetworkService> Services { get; init; }
}

/// <summary>Docker's <c>IPAM</c>.</summary>
public sealed record DockerIpam(string Driver, IReadOnlyList<DockerIpamConfig> Config);

/// <summary>Docker's <c>IPAMConfig</c>, and where virtual addresses are.</summary>
public sealed record DockerIpamConfig(string Subnet, string VirtualAddresses, long? FreeSlices);

/// <summary>Docker's <c>PeerInfo</c>, and the addresses that the node has.</summary>
public sealed record DockerNetworkPeer(string Name, string IP, IReadOnlyList<string> Slices);

/// <summary>Docker's <c>ServiceInfo</c>.</summary>
public sealed record DockerNetworkService(string VIP, IReadOnlyList<DockerNetworkTask> Tasks);

/// <summary>Docker's <c>network.Task</c>.</summary>
public sealed record DockerNetworkTask(string Name, string EndpointID, string EndpointIP, string Node);

/// <summary>Networks in Docker's shapes.</summary>
public static class DockerNetworkMapper
{
    /// <summary>Docker's <c>Network</c>.</summary>
    public static DockerNetworkResource ToDocker(this NetworkSummary summary)
    {
        var (network, spec) = (summary.Network, summary.Network.Spec);
        return new DockerNetworkResource
        {
            Name = spec.Name,
            Id = network.Id,
            Created = network.CreatedAt.ToDateTime(),
            Driver = spec.Driver,
            IPAM = new DockerIpam("default", [new DockerIpamConfig(network.Subnet, summary.Vips, summary.FreeSlices)]),
            Internal = spec.Internal,
            Attachable = spec.Attachable,
            Ingress = spec.Name == Model.Networks.NetworkSpec.Ingress,
            Options = DockerSpecMapper.SortedOrNull(spec.DriverOptions),
            Labels = DockerSpecMapper.Sorted(spec.Labels),
            Peers = [.. summary.Nodes.Select(node => new DockerNetworkPeer(node.Hostname, node.Underlay, [.. node.Slices]))],
            Services = new SortedDictionary<string, DockerNetworkService>(
                summary.Services.ToDictionary(service => service.Name, service => new DockerNetworkService(
                    service.Address, [.. service.Tasks.Select(task => new DockerNetworkTask(task.Name, task.Id, task.Address, task.NodeHostname))])), StringComparer.Ordinal),
        };
    }
}
