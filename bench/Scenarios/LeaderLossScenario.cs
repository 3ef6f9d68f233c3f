using Berth.Bench.Clusters;
using Berth.Bench.Measure;

namespace Berth.Bench.Scenarios;

/// <summary>The leader is lost in five ways while everybody goes on: how long nothing can be written or read, and that nothing
/// acknowledged and no container is lost.</summary>
public static class LeaderLossScenario
{
    // Measured with docker 20.10's swarm mode on the same hosts: writes and reads both stop.
    private const double SwarmSeconds = 16.8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(1);

    // NODE stands for the leader's host.
    private static readonly Loss[] Losses =
    [
        new("power loss", ["kill", "NODE"], ["start", "NODE"]),
        new("partition", ["partition", "NODE"], ["heal", "NODE"]),
        new("SIGSTOP", ["manager", "NODE", "pause"], ["manager", "NODE", "resume"]),
        new("SIGKILL", ["manager", "NODE", "kill"], []),
        new("SIGTERM", ["manager", "NODE", "kill", "--signal", "TERM"], []),
    ];

    /// <summary>Runs it: each kind of loss <paramref name="rounds"/> times, for each store.</summary>
    /// <param name="report">Where rows go.</param>
    /// <param name="rounds">Losses of each kind.</param>
    /// <param name="stores">etcd, postgres or both.</param>
    public static async Task RunAsync(Report report, int rounds, IReadOnlyList<string> stores)
    {
        foreach (var store in stores)
        {
            await using var lab = await ManagersLab.UpAsync(store);
            foreach (var loss in Losses)
                await LoseAsync(report, lab, store, loss, rounds);
        }
        report.Add(Row.Of("leader-loss", "swarm", "power loss: writes and reads stop", "s", [SwarmSeconds]));
    }

    private static async Task LoseAsync(Report report, ManagersLab lab, string store, Loss loss, int rounds)
    {
        List<double> writes = [], reads = [], missing = [], touched = [];
        for (var round = 0; round < rounds; round++)
        {
            var outcome = await LoseOnceAsync(lab, loss);
            writes.Add(outcome.WriteSilence);
            reads.Add(outcome.LongestRead);
            missing.Add(outcome.Missing);
            touched.Add(outcome.Touched);
            Report.Note($"leader-loss {store}, {loss.Name} {round + 1}: no write for {outcome.WriteSilence:0.00} s, longest read {outcome.LongestRead:0.00} s, "
                + $"{outcome.Missing} of {outcome.Acknowledged} acknowledged writes missing, {outcome.Touched} containers touched");
        }
        var subject = $"berth/{store}";
        report.Add(Row.Of("leader-loss", subject, $"{loss.Name}: no write acknowledged for", "s", writes));
        report.Add(Row.Of("leader-loss", subject, $"{loss.Name}: greatest of these", "s", [writes.Max()]));
        report.Add(Row.Of("leader-loss", subject, $"{loss.Name}: longest read, retries included", "s", reads));
        report.Add(Row.Of("leader-loss", subject, $"{loss.Name}: acknowledged writes missing, all", "writes", [missing.Sum()]));
        report.Add(Row.Of("leader-loss", subject, $"{loss.Name}: containers touched, all", "", [touched.Sum()]));
    }

    private static async Task<LossOutcome> LoseOnceAsync(ManagersLab lab, Loss loss)
    {
        await lab.SettledAsync();
        var (leader, epoch) = await lab.LeaderAsync();
        var containers = await lab.ContainersAsync();
        var load = LabelLoad.Start(lab.Clients, lab.Register);
        await Task.Delay(Before);

        // The cut is somewhere between begin and end of the command, so silence is measured between acknowledgements, not from either.
        var cut = load.Now;
        await lab.Lab.LabAsync(loss.Cut.Select(word => word == "NODE" ? leader.Name : word));
        var isCut = load.Now;
        await Command.UntilAsync($"another manager leads than {leader.Name}", Limit, async () => (await lab.StatusAsync()).Epoch > epoch);
        var hasSuccessor = load.Now;
        await Command.UntilAsync("writes are acknowledged again", Limit, () => Task.FromResult(load.AcknowledgedSince(hasSuccessor > isCut ? hasSuccessor : isCut) >= 10));
        if (loss.Mend.Length > 0)
            await lab.Lab.LabAsync(loss.Mend.Select(word => word == "NODE" ? leader.Name : word));
        await lab.SettledAsync();
        await load.StopAsync();

        var after = await lab.ContainersAsync();
        var missing = await load.MissingAsync();
        foreach (var label in missing)
            Report.Note($"leader-loss: acknowledged write {label} is missing");
        return new LossOutcome(
            load.LongestSilence(cut).TotalSeconds, load.LongestRead(cut).TotalSeconds, load.Acknowledged, missing.Count,
            containers.Count(container => !after.TryGetValue(container.Key, out var started) || started != container.Value)
                + after.Keys.Count(id => !containers.ContainsKey(id)));
    }

    private sealed record Loss(string Name, string[] Cut, string[] Mend);

    private sealed record LossOutcome(double WriteSilence, double LongestRead, int Acknowledged, int Missing, int Touched);
}
