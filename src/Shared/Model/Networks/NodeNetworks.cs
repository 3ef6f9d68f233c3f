using System.Collections.Immutable;
using System.Net;

namespace Berth.Model.Networks;

/// <summary>What one node knows of the cluster's networks: told by managers, kept through restarts. See docs/networks.md.</summary>
public sealed record NodeNetworks
{
    /// <summary>Nothing told yet.</summary>
    public static NodeNetworks Empty { get; } = new();

    /// <summary>Index of the state it was made from.</summary>
    public long Index { get; init; }

    /// <summary>The node itself; null while it has no number.</summary>
    public NetworkPeer? Self { get; init; }

    /// <summary>All networks come from here; nothing of it leaves a host unencapsulated.</summary>
    public IPNetwork Pool { get; init; }

    /// <summary>Other nodes, by id.</summary>
    public ImmutableDictionary<NodeId, NetworkPeer> Peers { get; init; } = ImmutableDictionary<NodeId, NetworkPeer>.Empty;

    /// <summary>Networks with tasks on this node or that it must reach, by id.</summary>
    public ImmutableDictionary<NetworkId, NodeNetwork> Networks { get; init; } = ImmutableDictionary<NetworkId, NodeNetwork>.Empty;

    /// <summary>Services in these networks, and those with published ports, by id.</summary>
    public ImmutableDictionary<ServiceId, ServiceEndpoints> Services { get; init; } = ImmutableDictionary<ServiceId, ServiceEndpoints>.Empty;
}

/// <summary>A node as others reach it.</summary>
/// <param name="NodeId">Its id.</param>
/// <param name="Number">From 1; the overlay address is the pool's first address plus this.</param>
/// <param name="Underlay">Where its VXLAN packets go.</param>
/// <param name="Hostname">Its host's name.</param>
public sealed record NetworkPeer(NodeId NodeId, int Number, IPAddress Underlay, string Hostname);

/// <summary>A network as one node sees it.</summary>
public sealed record NodeNetwork
{
    /// <summary>Its id.</summary>
    public required NetworkId Id { get; init; }
    /// <summary>Its name in the cluster.</summary>
    public required string Name { get; init; }
    /// <summary>All its addresses.</summary>
    public required IPNetwork Subnet { get; init; }
    /// <summary>Those of services.</summary>
    public required IPNetwork Vips { get; init; }
    /// <summary>Those for this node's tasks; empty where it has none.</summary>
    public ValueList<IPNetwork> Slices { get; init; }
    /// <summary>Those of other nodes.</summary>
    public ValueList<RemoteSlice> Remote { get; init; }
    /// <summary>Bytes; 0 is what the underlay allows.</summary>
    public int Mtu { get; init; }
    /// <summary>Whether there is no way out of it.</summary>
    public bool IsInternal { get; init; }
    /// <summary>Whether plain containers may join.</summary>
    public bool IsAttachable { get; init; }
}

/// <summary>Addresses that another node's tasks have.</summary>
/// <param name="Prefix">The addresses.</param>
/// <param name="Node">The node's number.</param>
public sealed record RemoteSlice(IPNetwork Prefix, int Node);

/// <summary>How a service is reached.</summary>
public sealed record ServiceEndpoints
{
    /// <summary>Its id.</summary>
    public required ServiceId Id { get; init; }
    /// <summary>Its name in the cluster, with the stack's prefix.</summary>
    public required string Name { get; init; }
    /// <summary>The stack it belongs to; null for a service of its own.</summary>
    public string? Stack { get; init; }
    /// <summary>Whether its name gives its tasks' addresses instead of a virtual one.</summary>
    public bool IsDnsRoundRobin { get; init; }
    /// <summary>Whether a client's address decides which of its tasks answers, instead of chance.</summary>
    public bool HasAffinity { get; init; }
    /// <summary>Its networks.</summary>
    public ValueList<ServiceNetwork> Networks { get; init; }
    /// <summary>Ports reachable on every node.</summary>
    public ValueList<PublishedPort> Published { get; init; }
    /// <summary>Its tasks that run.</summary>
    public ValueList<Backend> Backends { get; init; }
}

/// <summary>A service in a network.</summary>
/// <param name="Network">The network.</param>
/// <param name="Vip">Its virtual address there; null with DNS round robin.</param>
/// <param name="Aliases">Names there besides its own.</param>
public sealed record ServiceNetwork(NetworkId Network, IPAddress? Vip, ValueList<string> Aliases);

/// <summary>A port of a service that every node answers on. Field names follow Docker's <c>EndpointPortConfig</c>.</summary>
/// <param name="Name">For SRV records; may be empty.</param>
/// <param name="Protocol">Tcp or udp.</param>
/// <param name="Target">Port in the containers, 1–65535.</param>
/// <param name="Published">Port on the nodes, 1–65535.</param>
public sealed record PublishedPort(string Name, PortProtocol Protocol, int Target, int Published);

/// <summary>A task that answers for its service.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Slot">Its slot; 0 in a global service.</param>
/// <param name="Node">Its node's number.</param>
/// <param name="IsDraining">It was told to stop: no new connections, the old ones go on.</param>
/// <param name="Addresses">Its addresses.</param>
public sealed record Backend(TaskId TaskId, int Slot, int Node, bool IsDraining, ValueList<TaskAddress> Addresses)
{
    /// <summary>Its share of new connections beside others'; at least 1.</summary>
    public int Weight { get; init; } = 1;
}

/// <summary>A task's address in one network: Docker's <c>NetworksAttachments</c>.</summary>
/// <param name="Network">The network.</param>
/// <param name="Address">The address.</param>
public sealed record TaskAddress(NetworkId Network, IPAddress Address);
