using System.Collections.Immutable;

namespace Berth.Cli.Lab;

/// <summary>One line of <c>berth lab ls</c>.</summary>
/// <param name="Running">Hosts that are on.</param>
internal sealed record LabSummary(string Name, string Subnet, int Hosts, int Running, string Directory, string BerthHost);

/// <summary>What <c>berth lab status --format json</c> prints.</summary>
/// <param name="BerthHost">How <c>berth</c> on this machine reaches the managers: for <c>--host</c> or BERTH_HOST.</param>
/// <param name="ManagerSocket">The first running manager's socket, where <paramref name="ManagerUrl"/> is its address.</param>
/// <param name="Registry">Empty when the lab has none.</param>
internal sealed record LabStatus(string Name, string Subnet, string Directory, string BerthHost, string ManagerSocket, string ManagerUrl, string Registry, ImmutableArray<HostStatus> Hosts)
{
    public static async Task<LabStatus> ReadAsync(LabRecord lab, CancellationToken cancel)
    {
        var ports = await LabSwitch.PortsAsync(lab, cancel);
        ImmutableArray<HostStatus> hosts = [.. lab.Numbers.Select(number => HostStatus.Read(lab, number, ports))];
        var first = hosts.FirstOrDefault(host => host.ManagerPid is not null)?.Number ?? 1;
        return new(lab.Name, lab.Subnet, lab.Directory, lab.ManagerHosts, lab.ManagerSocket(first), lab.ManagerUrl(first),
            lab.Registry && LabRegistry.IsRunning(lab) ? ImagePush.Registry : "", hosts);
    }
}

/// <summary>One host: process ids are as seen from this machine, null for what does not run.</summary>
/// <param name="State">running or off.</param>
/// <param name="Link">joined, cut or none.</param>
/// <param name="IsManager">A manager is wanted there.</param>
/// <param name="Paused">Daemons that are frozen.</param>
internal sealed record HostStatus(string Name, int Number, string Address, string State, string Link, int? InitPid, int? EnginePid, int? ContainerdPid,
    int? AgentPid, int? ManagerPid, int? EtcdPid, bool IsManager, ImmutableArray<string> Paused, string EngineSocket, string? ManagerSocket, string Directory, string NetworkNamespace)
{
    public static HostStatus Read(LabRecord lab, int number, IReadOnlyDictionary<int, bool> ports)
    {
        var processes = HostProcesses.Read(lab, number);
        var isManager = File.Exists(LabHost.Seen(lab, number, lab.ManagerConfig(number)));
        var link = ports.TryGetValue(number, out var joined) ? joined ? "joined" : "cut" : "none";
        return new(lab.HostName(number), number, lab.Network.Address(number), processes.Init is null ? "off" : "running", link,
            processes.Init, processes.Engine, processes.Containerd, processes.Agent, processes.Manager, processes.Etcd, isManager,
            [.. Enum.GetValues<Daemon>().Where(daemon => processes[daemon] is { } id && HostProcesses.IsStopped(id)).Select(daemon => daemon.ToString().ToLowerInvariant())],
            lab.EngineSocket(number), isManager ? lab.ManagerSocket(number) : null, lab.HostDirectory(number), lab.HostNamespace(number));
    }
}
