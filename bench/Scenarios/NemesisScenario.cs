using System.Collections.Concurrent;
using System.Diagnostics;
using Berth.Bench.Clusters;
using Berth.Bench.Histories;
using Berth.Bench.Measure;

namespace Berth.Bench.Scenarios;

/// <summary>Clients write and read while managers are disturbed at random; afterwards all that they saw is checked.</summary>
public static class NemesisScenario
{
    private const int Clients = 6;
    private const int ShownProblems = 20;

    private static readonly TimeSpan Breath = TimeSpan.FromSeconds(2);

    /// <summary>Runs it. The history of a run that fails is left in a file.</summary>
    /// <exception cref="InvalidOperationException">What clients saw cannot be.</exception>
    public static async Task RunAsync(Report report, double minutes, int seed)
    {
        Report.Note($"nemesis: {minutes} minutes, seed {seed}");
        // With disks and clocks of their own where this machine can make them.
        var hasDisks = File.Exists("/dev/loop-control");
        var hasClocks = Directory.Exists("/usr/lib/x86_64-linux-gnu/faketime") || Directory.Exists("/usr/lib/aarch64-linux-gnu/faketime");
        string[] disks = hasDisks ? ["--disk", "512"] : [], clocks = hasClocks ? ["--clocks"] : [];
        await using var lab = await ManagersLab.UpAsync("etcd", [.. disks, .. clocks]);
        var nemesis = new Nemesis(lab, new Random(seed), hasDisks, hasClocks);
        var (history, touched) = await RecordAsync(lab, nemesis, TimeSpan.FromMinutes(minutes), seed);

        IReadOnlyList<string> problems = [.. RegisterChecker.Check(history), .. VersionChecker.Check(history)];
        foreach (var (name, count) in nemesis.Done)
            report.Add(Row.Of("nemesis", "berth", name, "times", [count]));
        report.Add(Row.Of("nemesis", "berth", "writes acknowledged", "", [history.Count(call => call.Kind == OperationKind.Write && call.Outcome == Outcome.Done)]));
        report.Add(Row.Of("nemesis", "berth", "writes of unknown end", "", [history.Count(call => call.Outcome == Outcome.Unknown)]));
        report.Add(Row.Of("nemesis", "berth", "registers read consistently", "", [history.Count(call => call.Kind == OperationKind.ConsistentRead)]));
        report.Add(Row.Of("nemesis", "berth", "registers read", "", [history.Count(call => call.Kind == OperationKind.Read)]));
        report.Add(Row.Of("nemesis", "berth", "contradictions", "", [problems.Count]));
        report.Add(Row.Of("nemesis", "berth", "containers touched", "", [touched]));
        if (problems.Count == 0 && touched == 0)
            return;
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"berth-nemesis-{seed}")).FullName;
        await using (var text = new StreamWriter(Path.Combine(folder, "history.tsv")))
            HistoryFile.Write(text, history);
        foreach (var host in lab.Lab.Hosts)
        {
            foreach (var log in Directory.GetFiles(Path.Combine(host.Directory, "log")))
                File.Copy(log, Path.Combine(folder, $"{host.Name}-{Path.GetFileName(log)}"), overwrite: true);
        }
        throw new InvalidOperationException(
            $"nemesis with seed {seed}: {problems.Count} contradictions, {touched} containers touched; history and logs are in {folder}\n{string.Join('\n', problems.Take(ShownProblems))}");
    }

    // The history, and how many containers were replaced or restarted although nothing was done to their hosts.
    private static async Task<(IReadOnlyList<Operation> History, int Touched)> RecordAsync(ManagersLab lab, Nemesis nemesis, TimeSpan length, int seed)
    {
        var clock = Stopwatch.StartNew();
        var history = new ConcurrentQueue<Operation>();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(number => new RegisterClient(number, lab.Clients, lab.Register, clock, history)).ToList();
        var running = Task.WhenAll(clients.Select((client, number) => client.RunAsync(new Random(seed + 1 + number), stop.Token)));
        var touched = 0;
        try
        {
            var containers = await lab.ContainersAsync();
            while (clock.Elapsed < length)
            {
                await Task.Delay(Breath);
                await nemesis.DisturbAsync();
                // Two at once could take the majority, and then nothing would be written that could be wrong.
                await lab.SettledAsync();
                var after = await lab.ContainersAsync();
                var changed = containers.Count(container => !after.TryGetValue(container.Key, out var started) || started != container.Value);
                if (changed > 0)
                    Report.Note($"nemesis: {changed} containers were touched by that, of {containers.Count}; now there are {after.Count}");
                (touched, containers) = (touched + changed, after);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }
        foreach (var client in clients)
            await client.ReadAsync(OperationKind.ConsistentRead);
        return ([.. history], touched);
    }
}
