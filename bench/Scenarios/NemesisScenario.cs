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
        var containers = await lab.ContainersAsync();
        var nemesis = new Nemesis(lab, new Random(seed), hasDisks, hasClocks);
        var history = await RecordAsync(lab, nemesis, TimeSpan.FromMinutes(minutes), seed);

        IReadOnlyList<string> problems = [.. RegisterChecker.Check(history), .. VersionChecker.Check(history)];
        var after = await lab.ContainersAsync();
        var touched = containers.Count(container => !after.TryGetValue(container.Key, out var started) || started != container.Value);
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
        var file = Path.Combine(Path.GetTempPath(), $"berth-nemesis-{seed}.tsv");
        await using (var text = new StreamWriter(file))
            HistoryFile.Write(text, history);
        throw new InvalidOperationException(
            $"nemesis with seed {seed}: {problems.Count} contradictions, {touched} containers touched; the history is in {file}\n{string.Join('\n', problems.Take(ShownProblems))}");
    }

    private static async Task<IReadOnlyList<Operation>> RecordAsync(ManagersLab lab, Nemesis nemesis, TimeSpan length, int seed)
    {
        var clock = Stopwatch.StartNew();
        var history = new ConcurrentQueue<Operation>();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(number => new RegisterClient(number, lab.Clients, lab.Register, clock, history)).ToList();
        var running = Task.WhenAll(clients.Select((client, number) => client.RunAsync(new Random(seed + 1 + number), stop.Token)));
        try
        {
            while (clock.Elapsed < length)
            {
                await Task.Delay(Breath);
                await nemesis.DisturbAsync();
                // Two at once could take the majority, and then nothing would be written that could be wrong.
                await lab.SettledAsync();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }
        foreach (var client in clients)
            await client.ReadAsync(OperationKind.ConsistentRead);
        return [.. history];
    }
}
