using System.Diagnostics;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;

namespace Berth.Bench.Scenarios;

/// <summary>Five hosts whose engines run become a cluster of three managers and two workers: Swarm's, and then Berth's.</summary>
public static class FormScenario
{
    private const int Hosts = 5;
    private const int Managers = 3;

    /// <summary>Runs it: a new lab each round, Swarm first, both on the same engines.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        List<double> swarm = [], berth = [];
        for (var round = 0; round < rounds; round++)
        {
            await using var lab = await BenchLab.UpAsync(Hosts, forSwarm: true, ["--no-berth"]);
            var docker = new SwarmSubject(lab);
            swarm.Add(await TimeAsync(() => docker.FormAsync(Managers)));
            await docker.LeaveAsync();
            berth.Add(await TimeAsync(() => lab.LabAsync("up", "--hosts", Hosts.ToString(), "--managers", Managers.ToString())));
            Report.Note($"form {round + 1}: swarm {swarm[^1]:0.00} s, berth {berth[^1]:0.00} s");
        }
        report.Add(Row.Of("form", "swarm", "3 managers and 2 workers ready", "s", swarm));
        report.Add(Row.Of("form", "berth", "its daemons started, 3 managers and 2 workers ready", "s", berth));
    }

    private static async Task<double> TimeAsync(Func<Task> form)
    {
        var clock = Stopwatch.StartNew();
        await form();
        return clock.Elapsed.TotalSeconds;
    }
}
