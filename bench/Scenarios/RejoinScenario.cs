using System.Diagnostics;
using Berth.Bench.Clusters;
using Berth.Bench.Measure;
using Berth.Bench.Simulation;
using Berth.Protocol.V1;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Scenarios;

/// <summary>Three real managers with thousands of simulated agents over mutual TLS: one manager is killed, its agents come back.</summary>
public static class RejoinScenario
{
    private const int Managers = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    /// <summary>Runs it with each number of agents in turn.</summary>
    public static async Task RunAsync(Report report, int rounds, IReadOnlyList<int> sizes)
    {
        foreach (var agents in sizes)
        {
            try
            {
                await MeasureAsync(report, rounds, agents);
            }
            catch (Exception failed) when (failed is TimeoutException or RpcException or InvalidOperationException)
            {
                // The other sizes are still worth their figures.
                Report.Note($"rejoin with {agents} agents failed: {failed.Message}");
                Environment.ExitCode = 1;
            }
        }
    }

    private static async Task MeasureAsync(Report report, int rounds, int agents)
    {
        await using var cluster = await RejoinCluster.UpAsync(Managers);
        var clock = Stopwatch.StartNew();
        var members = await FleetMembers.EnrolAsync(cluster.Hosts[0], agents);
        Report.Note($"{agents} agents enrolled in {clock.Elapsed.TotalSeconds:0.0} s; load {LoadAverage()}");
        clock.Restart();
        await using var fleet = await RejoiningFleet.ConnectAsync(members, [.. cluster.Hosts.Select(host => new Uri(host.Url))]);
        Report.Note($"{agents} agents connected in {clock.Elapsed.TotalSeconds:0.0} s: {Spread(cluster, fleet)}");
        report.Add(Row.Of("rejoin", "berth", $"{agents} agents: most at one manager, of a fair share", "ratio", [Unevenness(fleet, agents)]));
        await cluster.CallAsync(control => control.CreateServiceAsync(new CreateServiceRequest { Spec = Spec(agents) }));
        await Command.UntilAsync($"{agents} tasks run", Limit, () => cluster.HasRunningAsync(agents), everyMilliseconds: 200);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var leads in new[] { false, true })
            {
                await cluster.SettledAsync(agents);
                var lost = await cluster.OneAsync(leads);
                var loss = await LoseAsync(cluster, fleet, members, lost, leads);
                loss.Add(report, agents, leads ? "leader" : "standby");
                fleet.Forget();
                await lost.StartAsync();
                await EvenAsync(report, cluster, fleet, agents);
            }
        }
    }

    private static async Task<Loss> LoseAsync(
        RejoinCluster cluster, RejoiningFleet fleet, IReadOnlyList<FleetMember> members, ClusterHost lost, bool leads)
    {
        fleet.Forget();
        var load = LabelLoad.StartApart([.. cluster.Hosts.Select(host => (host.Name, host.Socket))], members[0].Node.ToString());
        var assigned = fleet.AssignedCount;
        await Task.Delay(Before);
        var left = cluster.Hosts.Where(host => host != lost).ToList();
        var (managersCpu, ownCpu) = (left.Sum(host => host.CpuSeconds), CpuClock.OfProcess(Environment.ProcessId));
        using var watch = new CancellationTokenSource();
        var down = RejoinCluster.WatchDownAsync(left, watch.Token);
        var at = load.Now;
        var cut = Stopwatch.GetTimestamp();
        var gone = fleet.At(lost);
        await lost.KillAsync();
        await Command.UntilAsync("all agents of the lost manager are back", Limit,
            () => Task.FromResult(gone.All(agent => fleet.RegisteredAt(agent) > cut && agent.At is not null)), everyMilliseconds: 5);
        var back = gone.Select(agent => Stopwatch.GetElapsedTime(cut, fleet.RegisteredAt(agent)).TotalSeconds).ToList();
        var cpu = (Managers: left.Sum(host => host.CpuSeconds) - managersCpu, Fleet: CpuClock.OfProcess(Environment.ProcessId) - ownCpu);
        var wholeAt = load.Now;
        await Task.Delay(After);
        await watch.CancelAsync();
        await load.StopAsync();
        var quiet = load.LongestSilence(TimeSpan.FromSeconds(2), at);
        var loss = new Loss(back, load.LongestSilence(at), load.LongestSilence(at + (leads ? cluster.Election + Slack : TimeSpan.Zero)), load.LongestWrite(at),
            cpu.Managers, cpu.Fleet, fleet.Broken - gone.Count, await down, fleet.AssignedCount - assigned, (await load.MissingAsync(left.Select(host => host.Name))).Count, fleet.At(left[0]).Count / (double)Math.Max(1, members.Count));
        Report.Note($"{(leads ? "leader" : "standby")} lost with {gone.Count} agents: all back after {back.DefaultIfEmpty().Max():0.00} s ({(wholeAt - at).TotalSeconds:0.00} s), "
            + $"no write for {loss.Silence.TotalSeconds:0.00} s (before: {quiet.TotalSeconds:0.00} s); {Spread(cluster, fleet)}; failed: {fleet.Failures}; load {LoadAverage()}");
        return loss;
    }

    // The manager that is back has no agents; the others send it some, a few a second.
    private static async Task EvenAsync(Report report, RejoinCluster cluster, RejoiningFleet fleet, int agents)
    {
        var clock = Stopwatch.StartNew();
        await Command.UntilAsync("agents are spread evenly again", Limit, () => Task.FromResult(Unevenness(fleet, agents) <= 1.1), everyMilliseconds: 100);
        await Task.Delay(Slack);
        Report.Note($"even again after {clock.Elapsed.TotalSeconds:0} s: {Spread(cluster, fleet)}");
        report.Add(Row.Of("rejoin", "berth", $"{agents} agents: one moves to another manager", "s", [.. fleet.Moves.Select(move => move.TotalSeconds)]));
        report.Add(Row.Of("rejoin", "berth", $"{agents} agents: evenly spread again", "s", [clock.Elapsed.TotalSeconds]));
    }

    private static double Unevenness(RejoiningFleet fleet, int agents) => fleet.Sessions.Values.DefaultIfEmpty().Max() / Math.Ceiling((double)agents / Managers);

    private static string Spread(RejoinCluster cluster, RejoiningFleet fleet) =>
        string.Join(", ", cluster.Hosts.Select(host => $"{host.Name} has {fleet.Sessions.GetValueOrDefault(host.Url)}"));

    private static string LoadAverage() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static ServiceSpec Spec(int replicas) => new()
    {
        Name = "fleet",
        Replicated = new ReplicatedMode { Replicas = replicas },
        Task = new TaskSpec { Container = new ContainerSpec { Image = "berth/busybox:1", Args = { "sleep", "1000000" } }, Network = NetworkMode.Host },
    };

    private sealed record Loss(
        List<double> Back, TimeSpan Silence, TimeSpan Later, TimeSpan LongestWrite, double ManagersCpu, double FleetCpu, int Others, int Down, int NewTasks, int Missing, double Share)
    {
        public void Add(Report report, int agents, string whose)
        {
            var size = $"{agents} agents, {whose} lost";
            void Row1(string metric, string unit, params IReadOnlyCollection<double> samples) => report.Add(Row.Of("rejoin", "berth", $"{size}: {metric}", unit, samples));
            report.Add(Row.Of("rejoin", "berth", $"{size}: back", "s", Back, [ManagersCpu]));
            Row1("all back", "s", Back.DefaultIfEmpty().Max());
            Row1("no write for", "s", Silence.TotalSeconds);
            Row1("no write for, once there is a leader", "s", Later.TotalSeconds);
            Row1("longest write", "s", LongestWrite.TotalSeconds);
            Row1("CPU of the managers left until all were back", "s", ManagersCpu);
            Row1("CPU of the simulated agents meanwhile", "s", FleetCpu);
            Row1("agents of other managers that lost their session", "agents", Others);
            Row1("nodes called down", "nodes", Down);
            Row1("tasks assigned anew", "tasks", NewTasks);
            Row1("acknowledged writes missing", "writes", Missing);
            Row1("share of all agents at one of the two left", "ratio", Share);
        }
    }
}
