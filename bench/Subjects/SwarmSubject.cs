using System.Text.Json;
using Berth.Bench.Measure;

namespace Berth.Bench.Subjects;

/// <summary>Docker's own Swarm mode on the same engines, through Docker's command line: one manager, the rest workers.</summary>
public sealed class SwarmSubject(BenchLab lab) : ISubject
{
    /// <inheritdoc/>
    public string Name => "swarm";

    /// <summary>Forms the swarm.</summary>
    public async Task FormAsync()
    {
        await DockerAsync(0, "swarm", "init", "--advertise-addr", lab.Hosts[0].Address);
        var token = (await DockerAsync(0, "swarm", "join-token", "-q", "worker")).Trim();
        for (var host = 1; host < lab.Hosts.Count; host++)
            await DockerAsync(host, "swarm", "join", "--token", token, "--advertise-addr", lab.Hosts[host].Address, lab.Hosts[0].Address + ":2377");
        await Command.UntilAsync("every swarm node is ready", TimeSpan.FromSeconds(30), async () =>
            (await DockerAsync(0, "node", "ls", "--format", "{{.Status}}")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(word => word == "Ready") == lab.Hosts.Count);
    }

    /// <inheritdoc/>
    public Task DeployAsync(string service, int replicas) => DockerAsync(
        0, "service", "create", "--detach", "--quiet", "--no-resolve-image", "--name", service, "--replicas", replicas.ToString(),
        "--network", "host", "--stop-signal", "SIGKILL", "--restart-delay", "0s", "--update-parallelism", "5",
        "--update-order", "stop-first", "--update-monitor", "1s", "berth/busybox:1", "sleep", "1000000");

    /// <inheritdoc/>
    public Task UpdateAsync(string service) =>
        DockerAsync(0, "service", "update", "--detach", "--quiet", "--no-resolve-image", "--image", "berth/busybox:2", service);

    /// <inheritdoc/>
    public async Task<bool> IsUpdatedAsync(string service)
    {
        using var inspected = JsonDocument.Parse(await DockerAsync(0, "service", "inspect", service));
        return inspected.RootElement[0].TryGetProperty("UpdateStatus", out var status) && status.GetProperty("State").GetString() == "completed";
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string service)
    {
        await DockerAsync(0, "service", "rm", service);
        await EmptyHosts.WaitAsync(lab);
    }

    /// <summary>Runs <c>docker</c> against one host.</summary>
    public Task<string> DockerAsync(int host, params IEnumerable<string> arguments) =>
        Command.RunAsync("docker", ["-H", "unix://" + lab.Hosts[host].Engine.Socket, .. arguments]);
}
