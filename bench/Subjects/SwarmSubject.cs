using System.Text.Json;
using Berth.Bench.Measure;

namespace Berth.Bench.Subjects;

/// <summary>Docker's own Swarm mode on the same engines, through Docker's command line: one manager, the rest workers.</summary>
public sealed class SwarmSubject(BenchLab lab) : ISubject
{
    /// <inheritdoc/>
    public string Name => "swarm";

    /// <summary>Forms the swarm: the first hosts are managers, the others join all at once.</summary>
    /// <param name="managers">How many managers.</param>
    public async Task FormAsync(int managers = 1)
    {
        await DockerAsync(0, "swarm", "init", "--advertise-addr", lab.Hosts[0].Address);
        var worker = (await DockerAsync(0, "swarm", "join-token", "-q", "worker")).Trim();
        var manager = (await DockerAsync(0, "swarm", "join-token", "-q", "manager")).Trim();
        await Task.WhenAll(Enumerable.Range(1, lab.Hosts.Count - 1).Select(host => DockerAsync(
            host, "swarm", "join", "--token", host < managers ? manager : worker, "--advertise-addr", lab.Hosts[host].Address, lab.Hosts[0].Address + ":2377")));
        await Command.UntilAsync("every swarm node is ready", TimeSpan.FromSeconds(30), async () =>
        {
            var nodes = (await DockerAsync(0, "node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return nodes.Count(node => node.StartsWith("Ready", StringComparison.Ordinal)) == lab.Hosts.Count
                && nodes.Count(node => node.EndsWith("Reachable", StringComparison.Ordinal)) == managers - 1;
        });
    }

    /// <summary>Every host leaves it.</summary>
    public Task LeaveAsync() => Task.WhenAll(Enumerable.Range(0, lab.Hosts.Count).Select(host => DockerAsync(host, "swarm", "leave", "--force")));

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
