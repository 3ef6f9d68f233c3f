using Berth.Bench.Measure;
using Berth.Bench.Subjects;

namespace Berth.Bench.Scenarios;

/// <summary>What a cluster that has nothing to do costs: memory and CPU of manager and agents, with 30 containers running.</summary>
public static class IdleScenario
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    /// <summary>Runs it.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        await using var lab = await BenchLab.UpAsync(hosts: 3, forSwarm: false);
        await lab.BerthAsync("service", "create", "--name", "bench", "--replicas", "30", "--network", "host", "--stop-signal", "SIGKILL",
            "berth/busybox:1", "sleep", "1000000");
        await Task.Delay(TimeSpan.FromSeconds(15));
        await lab.RefreshAsync();
        int manager = lab.Hosts[0].ManagerPid;
        var agents = lab.Hosts.Select(host => host.AgentPid).ToList();

        var managerCpu = new List<double>();
        var agentCpu = new List<double>();
        for (var round = 0; round < Math.Max(1, rounds / 2); round++)
        {
            var before = (Manager: CpuClock.OfProcess(manager), Agents: agents.Sum(CpuClock.OfProcess));
            await Task.Delay(Window);
            managerCpu.Add((CpuClock.OfProcess(manager) - before.Manager) / Window.TotalSeconds * 100);
            agentCpu.Add((agents.Sum(CpuClock.OfProcess) - before.Agents) / agents.Count / Window.TotalSeconds * 100);
        }
        report.Add(Row.Of("idle", "berth", "manager, resident memory", "MiB", [CpuClock.ResidentMebibytes(manager)]));
        report.Add(Row.Of("idle", "berth", "agent, resident memory", "MiB", [.. agents.Select(CpuClock.ResidentMebibytes)]));
        report.Add(Row.Of("idle", "berth", "manager, share of one core", "%", managerCpu));
        report.Add(Row.Of("idle", "berth", "agent, share of one core", "%", agentCpu));
    }
}
