using Berth.Bench.Measure;
using Berth.Bench.Subjects;

namespace Berth.Bench.Scenarios;

/// <summary>How long, and how much CPU, until 30 and 60 replicas on the host's network have started.</summary>
public static class DeployScenario
{
    // Work that follows the last start (statuses, shims) belongs to the deploy; the same for every subject.
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    /// <summary>Runs it: subjects in turn, order turned each round.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        await using var lab = await BenchLab.UpAsync(hosts: 3, forSwarm: true);
        var swarm = new SwarmSubject(lab);
        await swarm.FormAsync();
        ISubject[] subjects = [new BerthSubject(lab), swarm, new EngineSubject(lab)];
        var samples = new Dictionary<(string Subject, int Replicas), (List<double> Seconds, List<double> Cpu)>();

        // Once each unmeasured: daemons run for months, and compile or page in their code only once.
        foreach (var subject in subjects)
            await MeasureAsync(lab, subject, 30);
        var own = OwnCpu(lab);
        var deployed = 0;
        for (var round = 0; round < rounds; round++)
        {
            foreach (var replicas in new[] { 30, 60 })
            {
                foreach (var at in Enumerable.Range(0, subjects.Length))
                {
                    var subject = subjects[(at + round) % subjects.Length];
                    var (seconds, cpu) = await MeasureAsync(lab, subject, replicas);
                    deployed += subject.Name == "berth" ? replicas : 0;
                    var kept = samples.TryGetValue((subject.Name, replicas), out var found) ? found : samples[(subject.Name, replicas)] = ([], []);
                    kept.Seconds.Add(seconds);
                    kept.Cpu.Add(cpu);
                    Report.Note($"deploy {replicas} {subject.Name}: {seconds:0.00} s, {cpu:0.00} CPU s");
                }
            }
        }
        // Includes what they spend while the others are measured, and on removing: an upper bound.
        report.Add(Row.Of("deploy", "berth", "manager and agents, CPU for each replica deployed and removed", "ms", [(OwnCpu(lab) - own) * 1000 / deployed]));
        foreach (var ((subject, replicas), (seconds, cpu)) in samples.OrderBy(entry => entry.Key.Replicas).ThenBy(entry => entry.Key.Subject, StringComparer.Ordinal))
            report.Add(Row.Of("deploy", subject, $"{replicas} replicas, all started", "s", seconds, cpu));
        foreach (var replicas in new[] { 30, 60 })
        {
            report.Add(Ratio(samples, replicas, "engine"));
            report.Add(Ratio(samples, replicas, "swarm"));
        }
    }

    private static double OwnCpu(BenchLab lab) =>
        lab.Hosts.Sum(host => CpuClock.OfProcess(host.AgentPid) + (host.ManagerPid == 0 ? 0 : CpuClock.OfProcess(host.ManagerPid)));

    private static Row Ratio(Dictionary<(string Subject, int Replicas), (List<double> Seconds, List<double> Cpu)> samples, int replicas, string peer)
    {
        var pairs = samples[("berth", replicas)].Cpu.Zip(samples[(peer, replicas)].Cpu, (own, theirs) => own / theirs).ToList();
        return Row.Of("deploy", "berth", $"{replicas} replicas, CPU as a share of {peer}'s", "ratio", pairs);
    }

    private static async Task<(double Seconds, double Cpu)> MeasureAsync(BenchLab lab, ISubject subject, int replicas)
    {
        await using var watch = await EngineWatch.OpenAsync(lab.Hosts.Select(host => host.Engine));
        var cpu = lab.CpuSeconds;
        var began = watch.Now;
        await subject.DeployAsync("bench", replicas);
        var started = await watch.WaitAsync("start", replicas, began, TimeSpan.FromSeconds(120));
        await Task.Delay(Settle);
        cpu = lab.CpuSeconds - cpu;
        await subject.RemoveAsync("bench");
        await Task.Delay(TimeSpan.FromSeconds(1));
        return ((started - began).TotalSeconds, cpu);
    }
}
