using System.Collections.Immutable;

namespace Berth.Cli.Lab;

/// <summary>One line of <c>berth lab ls</c>.</summary>
/// <param name="Running">Hosts that are on.</param>
internal sealed record LabSummary(string Name, string Subnet, int Hosts, int Running, string Directory, string ManagerSocket);

/// <summary>What <c>berth lab status --format json</c> prints.</summary>
/// <param name="ManagerUrl">How hosts reach the manager; <paramref name="ManagerSocket"/> is how this machine does.</param>
/// <param name="Registry">Empty when the lab has none.</param>
internal sealed record LabStatus(string Name, string Subnet, string Directory, string ManagerSocket, string ManagerUrl, string Registry, ImmutableArray<HostStatus> Hosts)
{
    public static async Task<LabStatus> ReadAsync(LabRecord lab, CancellationToken cancel)
    {
        var ports = await LabSwitch.PortsAsync(lab, cancel);
        return new(lab.Name, lab.Subnet, lab.Directory, lab.ManagerSocket, lab.ManagerUrl, lab.Registry && LabRegistry.IsRunning(lab) ? ImagePush.Registry : "",
            [.. lab.Numbers.Select(number => HostStatus.Read(lab, number, ports))]);
    }
}

/// <summary>One host: process ids are as seen from this machine, null for what does not run.</summary>
/// <param name="State">running or off.</param>
/// <param name="Link">joined, cut or none.</param>
internal sealed record HostStatus(string Name, int Number, string Address, string State, string Link, int? InitPid, int? EnginePid, int? ContainerdPid,
    int? AgentPid, int? ManagerPid, string EngineSocket, string? ManagerSocket, string Directory, string NetworkNamespace)
{
    public static HostStatus Read(LabRecord lab, int number, IReadOnlyDictionary<int, bool> ports)
    {
        var processes = HostProcesses.Read(lab, number);
        var link = ports.TryGetValue(number, out var joined) ? joined ? "joined" : "cut" : "none";
        return new(lab.HostName(number), number, lab.Network.Address(number), processes.Init is null ? "off" : "running", link,
            processes.Init, processes.Engine, processes.Containerd, processes.Agent, processes.Manager,
            lab.EngineSocket(number), number == 1 ? lab.ManagerSocket : null, lab.HostDirectory(number), lab.HostNamespace(number));
    }
}
