using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Prints labs and their hosts.</summary>
internal static class LabReport
{
    public static async Task<int> StatusAsync(LabRecord lab, ParseResult parsed, CancellationToken cancel)
    {
        var status = await LabStatus.ReadAsync(lab, cancel);
        if (parsed.GetValue<string>("--format") == "json")
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(status, LabJson.Default.LabStatus));
            return 0;
        }
        static string Id(HostStatus host, int? id, string daemon) =>
            id is { } number ? number.ToString(CultureInfo.InvariantCulture) + (host.Paused.Contains(daemon) ? " (paused)" : "") : "-";
        await Console.Out.WriteAsync(TextTable.Render(["HOST", "ADDRESS", "STATE", "LINK", "INIT", "ENGINE", "AGENT", "MANAGER", "ETCD", "ENGINE SOCKET", "MANAGER SOCKET"],
            status.Hosts.Select(host => new[]
            {
                host.Name, host.Address, host.State, host.Link, Id(host, host.InitPid, ""), Id(host, host.EnginePid, "engine"), Id(host, host.AgentPid, "agent"),
                host.IsManager ? Id(host, host.ManagerPid, "manager") : "", host.EtcdPid is { } etcd ? Id(host, etcd, "etcd") : "", host.EngineSocket, host.ManagerSocket ?? "",
            })));
        return 0;
    }

    public static async Task<int> ListAsync(string format)
    {
        IReadOnlyList<LabSummary> labs = [.. LabStore.Names().Select(LabStore.Get).Select(lab => new LabSummary(lab.Name, lab.Subnet, lab.Hosts,
            lab.Numbers.Count(number => HostProcesses.Read(lab, number).Init is not null), lab.Directory, lab.ManagerHosts))];
        await Console.Out.WriteAsync(format == "json"
            ? JsonSerializer.Serialize(labs, LabJson.Default.IReadOnlyListLabSummary) + "\n"
            : TextTable.Render(["NAME", "SUBNET", "HOSTS", "DIRECTORY"], labs.Select(lab => new[] { lab.Name, lab.Subnet, $"{lab.Running}/{lab.Hosts}", lab.Directory })));
        return 0;
    }
}
