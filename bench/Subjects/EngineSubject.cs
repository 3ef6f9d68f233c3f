namespace Berth.Bench.Subjects;

/// <summary>The bare engine API: create and start, ten at once, hosts in turn. Nobody schedules; this is the floor.</summary>
public sealed class EngineSubject(BenchLab lab) : ISubject
{
    private const int AtOnce = 10;

    /// <inheritdoc/>
    public string Name => "engine";

    /// <inheritdoc/>
    public async Task DeployAsync(string service, int replicas)
    {
        using var gate = new SemaphoreSlim(AtOnce);
        await Task.WhenAll(Enumerable.Range(0, replicas).Select(async number =>
        {
            await gate.WaitAsync();
            try
            {
                var host = lab.Hosts[number % lab.Hosts.Count];
                await host.Engine.StartAsync($"{service}-{number}", "berth/busybox:1", """["sleep","1000000"]""");
            }
            finally
            {
                gate.Release();
            }
        }));
    }

    /// <inheritdoc/>
    public Task UpdateAsync(string service) => throw new NotSupportedException("the bare engine has no rolling update");

    /// <inheritdoc/>
    public Task<bool> IsUpdatedAsync(string service) => throw new NotSupportedException("the bare engine has no rolling update");

    /// <inheritdoc/>
    public Task RemoveAsync(string service) => lab.ClearAsync();
}
