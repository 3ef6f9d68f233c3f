using System.Net;
using Berth.Agent.Network;

namespace Berth.Agent.Balance;

/// <summary>Numbers that other software on a host could want too; all rules and routes of a host agree on them.</summary>
public sealed record BalanceSettings
{
    /// <summary>The nftables table.</summary>
    public string Table { get; init; } = "berth";

    /// <summary>UDP port of the overlay; not Swarm's 4789, so that both can be on a host.</summary>
    public int VxlanPort { get; init; } = 4799;

    /// <summary>The overlay device.</summary>
    public string Overlay { get; init; } = InterfaceNames.Overlay;

    /// <summary>What the host's ends of containers' veths begin with.</summary>
    public string VethPrefix { get; init; } = InterfaceNames.VethPrefix;

    /// <summary>Where names are answered.</summary>
    public IPAddress Names { get; init; } = HostPlan.Resolver;

    /// <summary>Bit of a packet's mark: Berth's rules let it pass, and so shall the engine's.</summary>
    public uint AcceptMark { get; init; } = 0x4000_0000;

    /// <summary>Bit of a connection's mark: it came in by a published port.</summary>
    public uint PublishedMark { get; init; } = 0x0100_0000;

    /// <summary>Bits of marks that hold the number of the node a connection came in by, shifted by <see cref="NodeShift"/>.</summary>
    public uint NodeMask { get; init; } = HostPlan.NodeMask;

    /// <summary>Where in <see cref="NodeMask"/> a node's number begins.</summary>
    public int NodeShift { get; init; } = HostPlan.NodeShift;
}
