using System.Globalization;
using Berth.Bench.Measure;
using Berth.Bench.Simulation;

namespace Berth.Bench.Scenarios;

/// <summary>What one agent's open session costs its manager: over mutual TLS, and over a unix socket without it.</summary>
public static class StreamScenario
{
    private const int Agents = 2000;
    // The manager gives memory back once it has been quiet for 5 s.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(15);

    /// <summary>Runs it. The manager is started anew each time, with all nodes in its state already: what remains are the sessions.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        await using var cluster = await RejoinCluster.UpAsync(managers: 1);
        var manager = cluster.Hosts[0];
        var members = await FleetMembers.EnrolAsync(manager, Agents);
        // What nodes say of themselves is part of the state: they say it once before anything is measured.
        await using (await RejoiningFleet.ConnectAsync(members, new Uri(manager.Url)))
            await Task.Delay(Quiet);
        var costs = new Dictionary<string, (List<double> Memory, List<double> Cpu)> { ["unix socket"] = ([], []), ["mutual TLS"] = ([], []) };
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (kind, cost) in costs)
            {
                var (memory, cpu) = await MeasureAsync(manager, members, kind == "unix socket" ? new Uri("unix://" + manager.Socket) : new Uri(manager.Url));
                cost.Memory.Add(memory);
                cost.Cpu.Add(cpu);
                Report.Note(string.Create(CultureInfo.InvariantCulture, $"{kind}: {memory:0.0} KiB a session, {cpu:0.00} ms of the manager's CPU to open one"));
            }
        }
        foreach (var (kind, cost) in costs)
        {
            report.Add(Row.Of("streams", kind, "manager's memory a session", "KiB", cost.Memory));
            report.Add(Row.Of("streams", kind, "manager's CPU to open a session", "ms", cost.Cpu));
        }
        report.Add(Row.Of("streams", "mutual TLS", "memory, of a unix socket's", "ratio", [Samples.Median(costs["mutual TLS"].Memory) / Samples.Median(costs["unix socket"].Memory)]));
    }

    private static async Task<(double Kibibytes, double CpuMilliseconds)> MeasureAsync(ClusterHost manager, IReadOnlyList<FleetMember> members, Uri url)
    {
        await manager.KillAsync();
        await manager.StartAsync();
        await Task.Delay(Quiet);
        var empty = CpuClock.ResidentMebibytes(manager.Pid);
        var before = CpuClock.OfProcess(manager.Pid);
        await using var fleet = await RejoiningFleet.ConnectAsync(members, url);
        var cpu = CpuClock.OfProcess(manager.Pid) - before;
        await Task.Delay(Quiet);
        return ((CpuClock.ResidentMebibytes(manager.Pid) - empty) * 1024 / members.Count, cpu * 1000 / members.Count);
    }
}
