using System.Diagnostics;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;

namespace Berth.Bench.Scenarios;

/// <summary><c>berth service ls</c> against <c>docker service ls</c> on equally filled clusters, process start to exit.</summary>
public static class CliScenario
{
    private const int Services = 20;

    /// <summary>Runs it, one call of each in turn.</summary>
    public static async Task RunAsync(Report report, int rounds)
    {
        await using var lab = await BenchLab.UpAsync(hosts: 1, forSwarm: true);
        var swarm = new SwarmSubject(lab);
        await swarm.FormAsync();
        for (var number = 0; number < Services; number++)
        {
            var name = $"bench-{number}";
            await lab.BerthAsync("service", "create", "--detach", "--name", name, "--replicas", "0", "berth/busybox:1", "sleep", "1000000");
            await swarm.DockerAsync(0, "service", "create", "--detach", "--quiet", "--no-resolve-image", "--name", name, "--replicas", "0", "berth/busybox:1", "sleep", "1000000");
        }
        // The first calls of a fresh manager and daemon compile code; nobody waits for those again.
        var warm = (Wall: new List<double>(), Cpu: new List<double>());
        for (var call = 0; call < 10; call++)
        {
            await TimeAsync(warm, BenchLab.Berth, OwnArguments(lab));
            await TimeAsync(warm, "docker", DockerArguments(lab));
        }
        var berth = (Wall: new List<double>(), Cpu: new List<double>());
        var docker = (Wall: new List<double>(), Cpu: new List<double>());
        for (var round = 0; round < rounds * 10; round++)
        {
            await TimeAsync(berth, BenchLab.Berth, OwnArguments(lab));
            await TimeAsync(docker, "docker", DockerArguments(lab));
        }
        report.Add(Row.Of("cli", "berth", $"service ls, {Services} services", "ms", berth.Wall) with { CpuS = berth.Cpu.Average() });
        report.Add(Row.Of("cli", "swarm", $"service ls, {Services} services", "ms", docker.Wall) with { CpuS = docker.Cpu.Average() });
        report.Add(Row.Of("cli", "berth", "wall time as a share of docker's", "ratio", [.. berth.Wall.Zip(docker.Wall, (mine, other) => mine / other)]));
    }

    private static string[] OwnArguments(BenchLab lab) => ["--host", "unix://" + lab.Hosts[0].ManagerSocket, "service", "ls"];

    private static string[] DockerArguments(BenchLab lab) => ["-H", "unix://" + lab.Hosts[0].Engine.Socket, "service", "ls"];

    private static async Task TimeAsync((List<double> Wall, List<double> Cpu) samples, string program, string[] arguments)
    {
        var cpu = CpuClock.OfEndedChildren();
        var clock = Stopwatch.StartNew();
        var output = await Command.RunAsync(program, arguments);
        samples.Wall.Add(clock.Elapsed.TotalMilliseconds);
        samples.Cpu.Add(CpuClock.OfEndedChildren() - cpu);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
        if (lines != Services + 1)
            throw new InvalidOperationException($"{program} listed {lines - 1} services, not {Services}:\n{output}");
    }
}
