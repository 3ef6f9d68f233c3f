using System.Collections.Immutable;
using System.Net;

namespace Berth.Agent.Network;

/// <summary>What a host's network stack is to have, or has, of the agent's.</summary>
public sealed record HostState
{
    /// <summary>Nothing.</summary>
    public static HostState Empty { get; } = new();

    /// <summary>The VXLAN device; null for none.</summary>
    public OverlayDevice? Overlay { get; init; }
    /// <summary>Addresses of the overlay device and of the name server.</summary>
    public ImmutableHashSet<HostAddress> Addresses { get; init; } = [];
    /// <summary>Routes with the agent's mark.</summary>
    public ImmutableHashSet<HostRoute> Routes { get; init; } = [];
    /// <summary>Hardware addresses that are told, not asked for.</summary>
    public ImmutableHashSet<HostNeighbour> Neighbours { get; init; } = [];
    /// <summary>Where the overlay device sends its frames.</summary>
    public ImmutableHashSet<HostForwarding> Forwarding { get; init; } = [];
    /// <summary>Rules with the agent's mark.</summary>
    public ImmutableHashSet<HostRule> Rules { get; init; } = [];
    /// <summary>Settings by their path below <c>/proc/sys/net/ipv4</c>.</summary>
    public ImmutableDictionary<string, string> Settings { get; init; } = ImmutableDictionary<string, string>.Empty;
}

/// <summary>The VXLAN device.</summary>
/// <param name="Underlay">The host's address that others send to.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Id">Network identifier in each frame.</param>
/// <param name="Port">UDP port.</param>
public sealed record OverlayDevice(IPAddress Underlay, int Mtu, int Id = OverlayDevice.Identifier, int Port = OverlayDevice.UdpPort)
{
    /// <summary>The one VXLAN network there is.</summary>
    public const int Identifier = 4097;
    /// <summary>Not 4789, so that it lives beside Swarm's.</summary>
    public const int UdpPort = 4799;
    /// <summary>What the encapsulation costs, bytes.</summary>
    public const int Overhead = 50;

    /// <summary>Its hardware address.</summary>
    public HardwareAddress Hardware => HardwareAddress.OfUnderlay(Underlay);
}

/// <summary>An address of a device.</summary>
/// <param name="Device">The device.</param>
/// <param name="Address">The address, alone in its network.</param>
public sealed record HostAddress(string Device, IPAddress Address);

/// <summary>A route.</summary>
/// <param name="Destination">Where to.</param>
/// <param name="Device">By which device; empty when it is <paramref name="IsUnreachable"/>.</param>
/// <param name="Via">Next hop; null for a direct one.</param>
/// <param name="Source">Address that the host itself uses; null for any.</param>
/// <param name="Table">Routing table.</param>
/// <param name="IsUnreachable">Whether there is no way: senders are told at once.</param>
public sealed record HostRoute(
    IPNetwork Destination, string Device, IPAddress? Via = null, IPAddress? Source = null, uint Table = HostRoute.Main, bool IsUnreachable = false)
{
    /// <summary>The table all traffic is routed by.</summary>
    public const uint Main = 254;
}

/// <summary>A neighbour that is told.</summary>
/// <param name="Device">Behind which device.</param>
/// <param name="Address">Its address.</param>
/// <param name="Hardware">Its hardware address.</param>
public sealed record HostNeighbour(string Device, IPAddress Address, HardwareAddress Hardware);

/// <summary>Where the overlay device sends frames.</summary>
/// <param name="Hardware">For this hardware address.</param>
/// <param name="Underlay">To this host.</param>
public sealed record HostForwarding(HardwareAddress Hardware, IPAddress Underlay);

/// <summary>A routing rule.</summary>
/// <param name="Priority">Lower is looked at first; several may have the same.</param>
/// <param name="Mark">Packets whose mark, within <paramref name="Mask"/>, is this.</param>
/// <param name="Mask">Bits of the mark that count; 0 when it does not matter.</param>
/// <param name="Table">Are routed by this table.</param>
/// <param name="Goto">Or go on with the rules from this priority; 0 for a table.</param>
/// <param name="Source">Only packets from this address; null for all.</param>
public sealed record HostRule(uint Priority, uint Mark, uint Mask, uint Table, uint Goto = 0, IPAddress? Source = null);
