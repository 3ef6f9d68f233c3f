using Berth.Bench.Measure;
using Berth.Bench.Subjects;

namespace Berth.Bench.Scenarios;

/// <summary>A rolling update of 30 replicas to another image, five at a time, stop-first, monitor 1 s.</summary>
public static class UpdateScenario
{
    private const int Replicas = 30;

    /// <summary>Runs it, Berth and Swarm in turn.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        await using var lab = await BenchLab.UpAsync(hosts: 3, forSwarm: true);
        var swarm = new SwarmSubject(lab);
        await swarm.FormAsync();
        ISubject[] subjects = [new BerthSubject(lab), swarm];
        var samples = subjects.ToDictionary(subject => subject.Name, _ => (Last: new List<double>(), Done: new List<double>(), Cpu: new List<double>()));

        for (var round = 0; round < rounds; round++)
        {
            foreach (var subject in round % 2 == 0 ? subjects : subjects.Reverse())
            {
                var (last, done, cpu) = await MeasureAsync(lab, subject);
                samples[subject.Name].Last.Add(last);
                samples[subject.Name].Done.Add(done);
                samples[subject.Name].Cpu.Add(cpu);
                Report.Note($"update {subject.Name}: last start {last:0.0} s, completed {done:0.0} s, {cpu:0.00} CPU s");
            }
        }
        foreach (var (subject, (last, done, cpu)) in samples)
        {
            report.Add(Row.Of("update", subject, "30 replicas, last new task started", "s", last, cpu));
            report.Add(Row.Of("update", subject, "30 replicas, update completed", "s", done, cpu));
        }
        report.Add(Row.Of("update", "berth", "completed, as a share of swarm's time", "ratio",
            [.. samples["berth"].Done.Zip(samples["swarm"].Done, (own, theirs) => own / theirs)]));
    }

    private static async Task<(double Last, double Done, double Cpu)> MeasureAsync(BenchLab lab, ISubject subject)
    {
        await using var watch = await EngineWatch.OpenAsync(lab.Hosts.Select(host => host.Engine));
        var deployed = watch.Now;
        await subject.DeployAsync("bench", Replicas);
        await watch.WaitAsync("start", Replicas, deployed, TimeSpan.FromSeconds(120));
        await Task.Delay(TimeSpan.FromSeconds(3));

        var cpu = lab.CpuSeconds;
        var began = watch.Now;
        await subject.UpdateAsync("bench");
        var last = await watch.WaitAsync("start", Replicas, began, TimeSpan.FromSeconds(120));
        await Command.UntilAsync("the update is completed", TimeSpan.FromSeconds(60), () => subject.IsUpdatedAsync("bench"), everyMilliseconds: 250);
        var done = watch.Now;
        cpu = lab.CpuSeconds - cpu;
        await subject.RemoveAsync("bench");
        await Task.Delay(TimeSpan.FromSeconds(1));
        return ((last - began).TotalSeconds, (done - began).TotalSeconds, cpu);
    }
}
