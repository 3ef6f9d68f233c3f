using System.Diagnostics;
using System.Globalization;
using Berth.Bench.Measure;
using Berth.Bench.Simulation;
using Berth.Protocol.V1;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Scenarios;

/// <summary>A durable manager under simulated agents that speak the real protocol: 30 replicas a node in 10 services.</summary>
public static class ControlPlaneScenario
{
    private const int Services = 10;
    private const int ReplicasPerNode = 30;
    private const int WarmUps = 3;

    /// <summary>Runs it at 100, 300 and 1,000 nodes, to show how cost grows.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        foreach (var nodes in Sizes())
        {
            var runs = new List<Figures>();
            for (var round = 0; round < rounds; round++)
                runs.Add(await MeasureAsync(nodes));
            var size = $"{nodes} nodes, {nodes * ReplicasPerNode} replicas";
            report.Add(Row.Of("control-plane", "berth", $"{size}: assignments", "1/s", [.. runs.Select(run => run.AssignmentsPerSecond)], [.. runs.Select(run => run.ManagerCpu)]));
            report.Add(Row.Of("control-plane", "berth", $"{size}: assignments per manager CPU s", "1/s", [.. runs.Select(run => nodes * ReplicasPerNode / run.ManagerCpu)]));
            report.Add(Row.Of("control-plane", "berth", $"{size}: all reported running", "s", [.. runs.Select(run => run.RunningSeconds)]));
            report.Add(Row.Of("control-plane", "berth", $"{size}: mutating call meanwhile", "ms", [.. runs.SelectMany(run => run.CallMilliseconds)]));
            report.Add(Row.Of("control-plane", "berth", $"{size}: manager memory at the end", "MiB", [.. runs.Select(run => run.Resident)]));
            report.Add(Row.Of("control-plane", "berth", $"{size}: memory per replica", "bytes", [.. runs.Select(run => run.BytesPerReplica)]));
        }
    }

    // One size alone, for a profile: BERTH_BENCH_NODES=1000.
    private static int[] Sizes() =>
        int.TryParse(Environment.GetEnvironmentVariable("BERTH_BENCH_NODES"), CultureInfo.InvariantCulture, out var nodes) ? [nodes] : [100, 300, 1000];

    private static async Task<Figures> MeasureAsync(int nodes)
    {
        await using var manager = await ManagerProcess.StartAsync();
        await using var fleet = await SimulatedFleet.ConnectAsync(manager.Socket, nodes);
        var probe = await manager.Control.CreateServiceAsync(new CreateServiceRequest { Spec = Spec("probe", 0) });
        for (var warm = 0; warm < 50; warm++)
            await MutateAsync(manager, probe.Service.Id, warm);
        // What code and buffers take is counted as replicas' memory too: the warm-up comes after this.
        var empty = CpuClock.ResidentMebibytes(manager.Pid);
        await WarmAsync(manager, fleet, nodes * ReplicasPerNode / 3);

        var before = (Cpu: CpuClock.OfProcess(manager.Pid), Own: CpuClock.OfProcess(Environment.ProcessId), Assigned: fleet.AssignedCount);
        var wanted = nodes * ReplicasPerNode;
        using var done = new CancellationTokenSource();
        var calls = MutateUntilAsync(manager, probe.Service.Id, done.Token);
        var clock = Stopwatch.StartNew();
        await manager.Control.DeployStackAsync(new DeployStackRequest
        {
            Spec = new StackSpec { Name = "bench", Services = { Enumerable.Range(0, Services).Select(number => Spec($"bench_{number}", wanted / Services)) } },
        });
        await Command.UntilAsync($"{wanted} tasks are assigned", TimeSpan.FromSeconds(120), () => Task.FromResult(fleet.AssignedCount - before.Assigned >= wanted), everyMilliseconds: 2);
        var assigned = clock.Elapsed.TotalSeconds;
        await Command.UntilAsync($"{wanted} tasks run", TimeSpan.FromSeconds(120), async () =>
            (await manager.Control.GetInfoAsync(new GetInfoRequest())).TasksRunning >= wanted, everyMilliseconds: 50);
        var running = clock.Elapsed.TotalSeconds;
        await done.CancelAsync();
        var cpu = CpuClock.OfProcess(manager.Pid) - before.Cpu;
        var agents = CpuClock.OfProcess(Environment.ProcessId) - before.Own;
        // The manager gives memory back once it has been quiet for 5 s.
        await Task.Delay(TimeSpan.FromSeconds(15));
        var resident = CpuClock.ResidentMebibytes(manager.Pid);
        var figures = new Figures(wanted / assigned, running, await calls, cpu, resident, (resident - empty) * 1024 * 1024 / wanted);
        Report.Note($"control-plane {nodes} nodes: {figures.AssignmentsPerSecond:0} assignments/s, all running after {running:0.00} s, {cpu:0.00} CPU s (agents {agents:0.00}), {empty:0} MiB empty, {resident:0} MiB at the end");
        return figures;
    }

    // A manager is started once and then runs for months: its code has been compiled for speed, which the runtime does in
    // the background after some thousand calls. So there are deploys before the one that is measured, of its own size.
    private static async Task WarmAsync(ManagerProcess manager, SimulatedFleet fleet, int replicas)
    {
        for (var time = 0; time < WarmUps; time++)
        {
            var already = fleet.AssignedCount;
            var name = $"warm_{time}";
            await manager.Control.CreateServiceAsync(new CreateServiceRequest { Spec = Spec(name, replicas) });
            await Command.UntilAsync("the warm-up is assigned", TimeSpan.FromSeconds(60), () => Task.FromResult(fleet.AssignedCount - already >= replicas));
            await manager.Control.RemoveServicesAsync(new RemoveServicesRequest { Services = { name } });
            await Command.UntilAsync("the warm-up is gone", TimeSpan.FromSeconds(60), async () =>
                (await manager.Control.GetInfoAsync(new GetInfoRequest())).Tasks == 0);
        }
        await Task.Delay(TimeSpan.FromSeconds(2));
    }

    private static async Task<List<double>> MutateUntilAsync(ManagerProcess manager, string service, CancellationToken stop)
    {
        var milliseconds = new List<double>();
        for (var number = 1000; !stop.IsCancellationRequested; number++)
        {
            var clock = Stopwatch.StartNew();
            await MutateAsync(manager, service, number);
            milliseconds.Add(clock.Elapsed.TotalMilliseconds);
        }
        return milliseconds;
    }

    private static async Task MutateAsync(ManagerProcess manager, string service, int number)
    {
        var spec = Spec("probe", 0);
        spec.Labels["number"] = number.ToString();
        await manager.Control.UpdateServiceAsync(new UpdateServiceRequest { Id = service, Spec = spec });
    }

    private static ServiceSpec Spec(string name, int replicas) => new()
    {
        Name = name,
        Replicated = new ReplicatedMode { Replicas = replicas },
        Task = new TaskSpec { Container = new ContainerSpec { Image = "berth/busybox:1", Args = { "sleep", "1000000" } }, Network = NetworkMode.Host },
    };

    private sealed record Figures(
        double AssignmentsPerSecond, double RunningSeconds, List<double> CallMilliseconds, double ManagerCpu, double Resident, double BytesPerReplica);
}
