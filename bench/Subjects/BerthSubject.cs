using System.Text.Json;
using Berth.Bench.Measure;

namespace Berth.Bench.Subjects;

/// <summary>Berth, through its own command line.</summary>
public sealed class BerthSubject(BenchLab lab) : ISubject
{
    /// <inheritdoc/>
    public string Name => "berth";

    /// <inheritdoc/>
    public Task DeployAsync(string service, int replicas) => lab.BerthAsync(
        "service", "create", "--detach", "--name", service, "--replicas", replicas.ToString(), "--network", "host",
        "--stop-signal", "SIGKILL", "--restart-delay", "0s", "--update-parallelism", "5", "--update-order", "stop-first",
        "--update-monitor", "1s", "berth/busybox:1", "sleep", "1000000");

    /// <inheritdoc/>
    public Task UpdateAsync(string service) => lab.BerthAsync("service", "update", "--detach", "--image", "berth/busybox:2", service);

    /// <inheritdoc/>
    public async Task<bool> IsUpdatedAsync(string service)
    {
        using var inspected = JsonDocument.Parse(await lab.BerthAsync("service", "inspect", service));
        return inspected.RootElement[0].TryGetProperty("UpdateStatus", out var status) && status.GetProperty("State").GetString() == "completed";
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string service)
    {
        await lab.BerthAsync("service", "rm", service);
        await EmptyHosts.WaitAsync(lab);
    }
}

/// <summary>Waits until a bench's hosts hold no container.</summary>
internal static class EmptyHosts
{
    public static Task WaitAsync(BenchLab lab) => Command.UntilAsync("all hosts are empty", TimeSpan.FromSeconds(120), async () =>
    {
        var left = await Task.WhenAll(lab.Hosts.Select(host => host.Engine.ListAsync()));
        return left.All(list => list.Count == 0);
    }, everyMilliseconds: 200);
}
