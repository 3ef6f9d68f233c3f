using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Network;

/// <summary>All that rules, names and routes of this host are made from: what the managers told, and what is there of the host's own.</summary>
/// <param name="Wanted">What managers told last, also in an earlier run of the agent.</param>
/// <param name="Local">The containers that are in networks, one entry for each network.</param>
public sealed record PlaneState(NodeNetworks Wanted, ImmutableArray<LocalEndpoint> Local)
{
    /// <summary>Nothing told, nothing there.</summary>
    public static PlaneState Empty { get; } = new(NodeNetworks.Empty, []);

    /// <summary>Ports of the host's own that lead to one of its containers only (Docker's <c>mode: host</c>).</summary>
    public ImmutableArray<HostPort> HostPorts { get; init; } = [];
}

/// <summary>A container in a network on this host. Its interface is there before the endpoint is shown, and is gone soon after it is no longer.</summary>
/// <param name="Task">Its task.</param>
/// <param name="Network">The network.</param>
/// <param name="Address">Its address there.</param>
/// <param name="HostInterface">The host's end of its veth; begins with <see cref="InterfaceNames.VethPrefix"/>.</param>
/// <param name="Namespace">Name of its network namespace: the container's id.</param>
public sealed record LocalEndpoint(TaskId Task, NetworkId Network, IPAddress Address, string HostInterface, string Namespace);

/// <summary>A port of this host that leads to one container.</summary>
/// <param name="Task">Its task.</param>
/// <param name="Port">Protocol, port of the host and port of the container.</param>
/// <param name="Address">The container's address.</param>
public sealed record HostPort(TaskId Task, PortConfig Port, IPAddress Address);

/// <summary>Where the newest <see cref="PlaneState"/> is read.</summary>
public interface IPlane
{
    /// <summary>The newest; never changes in place.</summary>
    PlaneState State { get; }

    /// <summary>Completes once <see cref="State"/> is another than <paramref name="seen"/>.</summary>
    Task ChangedAsync(PlaneState seen, CancellationToken cancellation);
}
