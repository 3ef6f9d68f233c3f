using Berth.Bench.Measure;

namespace Berth.Bench.Clusters;

/// <summary>Does to managers what happens to them: one disturbance after the other, the same ones for the same seed.</summary>
/// <param name="lab">Whom it is done to.</param>
/// <param name="random">What comes next.</param>
/// <param name="hasDisks">Whether the lab's managers have disks that can be filled and slowed.</param>
/// <param name="hasClocks">Whether their clocks can be set.</param>
public sealed class Nemesis(ManagersLab lab, Random random, bool hasDisks, bool hasClocks)
{
    // NODE stands for the host it is done to.
    private readonly Disturbance[] _disturbances =
    [
        new("power loss", "kill NODE", "start NODE"),
        new("partition", "partition NODE", "heal NODE"),
        new("manager paused", "manager NODE pause", "manager NODE resume"),
        new("manager killed", "manager NODE kill", ""),
        new("manager told to end", "manager NODE kill --signal TERM", ""),
        new("etcd killed", "etcd NODE kill", ""),
        new("etcd paused", "etcd NODE pause", "etcd NODE resume"),
        .. hasDisks ? [new Disturbance("disk full", "disk NODE fill", "disk NODE heal"), new("disk slow", "disk NODE slow", "disk NODE heal")] : Array.Empty<Disturbance>(),
        .. hasClocks ? [new Disturbance("clock ahead", "clock NODE +90s", "clock NODE +0s"), new("clock behind", "clock NODE -- -90s", "clock NODE +0s")] : Array.Empty<Disturbance>(),
    ];

    /// <summary>How many of each there were.</summary>
    public SortedDictionary<string, int> Done { get; } = new(StringComparer.Ordinal);

    /// <summary>Disturbs one manager for some seconds, the leader every other time; then takes it back.</summary>
    public async Task DisturbAsync()
    {
        var disturbance = _disturbances[random.Next(_disturbances.Length)];
        var managers = lab.Lab.Hosts.Where(host => host.IsManager).ToList();
        var (isLeader, other, hold) = (random.Next(2) == 0, random.Next(managers.Count), TimeSpan.FromMilliseconds(random.Next(1_000, 8_000)));
        var victim = isLeader ? (await lab.LeaderAsync()).Host : managers[other];
        Report.Note($"nemesis: {disturbance.Name} of {victim.Name}{(isLeader ? ", who leads," : "")} for {hold.TotalSeconds:0.0} s");
        await DoAsync(disturbance.Cut, victim.Name);
        Done[disturbance.Name] = Done.GetValueOrDefault(disturbance.Name) + 1;
        await Task.Delay(hold);
        await DoAsync(disturbance.Mend, victim.Name);
    }

    private async Task DoAsync(string verb, string node)
    {
        if (verb.Length > 0)
            await lab.Lab.LabAsync(verb.Replace("NODE", node, StringComparison.Ordinal).Split(' '));
    }

    private sealed record Disturbance(string Name, string Cut, string Mend);
}
