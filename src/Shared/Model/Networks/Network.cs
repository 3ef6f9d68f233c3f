using System.Net;

namespace Berth.Model.Networks;

/// <summary>A network of the cluster, as managers keep it.</summary>
public sealed record Network
{
    /// <summary>Its id.</summary>
    public required NetworkId Id { get; init; }
    /// <summary>Index of the commit that last changed it.</summary>
    public long Version { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>What was asked for; never changes.</summary>
    public required NetworkSpec Spec { get; init; }
    /// <summary>All its addresses.</summary>
    public required IPNetwork Subnet { get; init; }
    /// <summary>It was removed with its stack, and goes once nothing has an address of it any more.</summary>
    public bool IsLeaving { get; init; }
    /// <summary>The stack it belongs to; null for a network of its own.</summary>
    public string? Stack => Spec.Labels.TryGetValue(StackLabels.Namespace, out var stack) ? stack : null;
}

/// <summary>What a user wants of a network. Field names follow Docker's <c>NetworkCreate</c>.</summary>
public sealed record NetworkSpec
{
    /// <summary>The network that services with published ports join when they are in no other.</summary>
    public const string Ingress = "ingress";

    /// <summary>The one driver there is.</summary>
    public const string Overlay = "overlay";

    /// <summary>Key of <see cref="DriverOptions"/> for the largest packet, bytes.</summary>
    public const string MtuOption = "com.docker.network.driver.mtu";

    /// <summary>Unique in the cluster; includes the <c>STACK_</c> prefix.</summary>
    public required string Name { get; init; }
    /// <summary>Its labels.</summary>
    public ValueMap Labels { get; init; } = ValueMap.Empty;
    /// <summary>Who makes it: <c>overlay</c>.</summary>
    public string Driver { get; init; } = Overlay;
    /// <summary>Options of the driver.</summary>
    public ValueMap DriverOptions { get; init; } = ValueMap.Empty;
    /// <summary>Whether there is no way out of it.</summary>
    public bool IsInternal { get; init; }
    /// <summary>Whether plain containers may join.</summary>
    public bool IsAttachable { get; init; }
    /// <summary>The addresses it is to have; null: the cluster gives some of its pool.</summary>
    public IPNetwork? Subnet { get; init; }
}

/// <summary>A network that a service's tasks are in. Docker's <c>NetworkAttachmentConfig</c>.</summary>
public sealed record NetworkAttachment
{
    /// <summary>The network's id in a stored spec; its name, or the beginning of its id, in one that is sent.</summary>
    public required string Target { get; init; }
    /// <summary>Names there besides the service's own.</summary>
    public ValueList<string> Aliases { get; init; }
    /// <summary>The address its one task is to have; null for any.</summary>
    public IPAddress? Address { get; init; }
}

/// <summary>How a service is to be reached. Docker's <c>EndpointSpec</c>; ports of the task's own node are in <see cref="TaskSpec.Ports"/>.</summary>
public sealed record EndpointSpec
{
    /// <summary>A virtual address, no port on every node.</summary>
    public static EndpointSpec Default { get; } = new();

    /// <summary>What its name stands for.</summary>
    public EndpointMode Mode { get; init; } = EndpointMode.Vip;
    /// <summary>Ports that every node answers on (Docker's <c>mode: ingress</c>); published 0 lets the cluster choose.</summary>
    public ValueList<PublishedPort> Ports { get; init; }
}

/// <summary>What a service's name stands for.</summary>
public enum EndpointMode
{
    /// <summary>One address that reaches any of its tasks.</summary>
    Vip = 0,
    /// <summary>The addresses of its tasks.</summary>
    Dnsrr = 1,
}

/// <summary>What the cluster gave a service. Docker's <c>Endpoint</c>.</summary>
public sealed record ServiceEndpoint
{
    /// <summary>Nothing.</summary>
    public static ServiceEndpoint None { get; } = new();

    /// <summary>One for each of its networks; none with DNS round robin.</summary>
    public ValueList<VirtualAddress> VirtualAddresses { get; init; }
    /// <summary>Its published ports, those that the cluster chose included.</summary>
    public ValueList<PublishedPort> Ports { get; init; }
}

/// <summary>A service's address in one network.</summary>
/// <param name="Network">The network.</param>
/// <param name="Address">The address.</param>
public sealed record VirtualAddress(NetworkId Network, IPAddress Address);

/// <summary>Addresses of a network that a node's tasks have.</summary>
/// <param name="Network">The network.</param>
/// <param name="Prefix">The addresses.</param>
public sealed record NodeSlice(NetworkId Network, IPNetwork Prefix);

/// <summary>What an agent can do for networks of the cluster.</summary>
public sealed record NodeNetworking
{
    /// <summary>Of agents that say nothing of networks.</summary>
    public static NodeNetworking Unknown { get; } = new();

    /// <summary>How a container comes into the agent's namespace: <c>runtime</c> or <c>pause</c>; empty for no way.</summary>
    public string Way { get; init; } = "";
    /// <summary>Why there is no way, and what to do; empty otherwise.</summary>
    public string Problem { get; init; } = "";
    /// <summary>Where the host already sends packets, its own routes of the cluster left out.</summary>
    public ValueList<IPNetwork> Routes { get; init; }
    /// <summary>Whether its tasks may be in networks of the cluster.</summary>
    public bool IsAble => Way.Length > 0;
}
