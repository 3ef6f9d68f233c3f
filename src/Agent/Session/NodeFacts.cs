using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;

namespace Berth.Agent.Session;

/// <summary>What the agent tells of its node.</summary>
/// <param name="Hostname">The name other nodes and people know it by.</param>
/// <param name="Address">Where other nodes reach it; empty when it has no network.</param>
/// <param name="AgentVersion">This program's version.</param>
public sealed record NodeFacts(string Hostname, string Address, string AgentVersion)
{
    /// <summary>The whole description; what the engine would say comes from the host while the engine is silent.</summary>
    /// <param name="engine">What it last said of itself; null before it ever answered.</param>
    /// <param name="trouble">Why the engine does not answer; null while it does.</param>
    /// <param name="diskTrouble">Why the agent cannot save what it holds; null while it can.</param>
    /// <param name="manager">What is true of a manager on this host: empty, wanted or running.</param>
    public NodeDescription Describe(EngineFacts? engine, string? trouble, string? diskTrouble, string manager) => new()
    {
        Hostname = Hostname,
        Address = Address,
        Os = engine?.Os ?? "linux",
        Architecture = engine?.Architecture ?? RawArchitecture(RuntimeInformation.OSArchitecture),
        Capacity = engine?.Capacity ?? new Resources(Environment.ProcessorCount * 1_000_000_000L, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes),
        EngineVersion = engine?.Version ?? "",
        EngineApiVersion = engine?.ApiVersion ?? "",
        EngineLabels = engine?.Labels ?? ValueMap.Empty,
        AgentVersion = AgentVersion,
        Warnings = Warnings(engine, trouble, diskTrouble).ToValueList(),
        Manager = manager,
    };

    /// <summary>The first address that is neither loopback nor on a bridge that an engine made; empty when there is none.</summary>
    public static string FirstAddress()
    {
        var addresses = from card in NetworkInterface.GetAllNetworkInterfaces()
                        where card.OperationalStatus != OperationalStatus.Down && card.NetworkInterfaceType != NetworkInterfaceType.Loopback
                        where !card.Name.StartsWith("docker", StringComparison.Ordinal) && !card.Name.StartsWith("br-", StringComparison.Ordinal)
                            && !card.Name.StartsWith("veth", StringComparison.Ordinal)
                        from address in card.GetIPProperties().UnicastAddresses
                        where address.Address.AddressFamily == AddressFamily.InterNetwork
                        select address.Address.ToString();
        return addresses.FirstOrDefault() ?? "";
    }

    private static IEnumerable<string> Warnings(EngineFacts? engine, string? trouble, string? diskTrouble)
    {
        if (diskTrouble is not null)
            yield return $"the agent cannot save its tasks, so it begins no new ones: {diskTrouble}; free space on the disk of its data directory";
        if (trouble is not null)
            yield return $"the engine does not answer {trouble}";
        if (engine is { LiveRestore: false })
            yield return "live-restore is off: containers die with the engine's daemon; set \"live-restore\": true in /etc/docker/daemon.json and reload it";
        if (engine is { SwarmActive: true })
            yield return "the engine is a member of a Docker swarm, which forbids live-restore; leave it with: docker swarm leave";
    }

    private static string RawArchitecture(Architecture architecture) => architecture switch
    {
        Architecture.X64 => "x86_64",
        Architecture.Arm64 => "aarch64",
        _ => architecture.ToString().ToUpperInvariant(),
    };
}
