using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Session;

/// <summary>Keeps a session with one of the managers, dialling again when it breaks. Tasks go on meanwhile.</summary>
public sealed class ManagerLink(SessionParts parts, ManagerChannels managers, Random chance)
{
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(30);

    /// <summary>Runs until the agent stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        await WaitForEngineAsync(stopping).ConfigureAwait(false);
        var failures = 0;
        for (var attempt = 0; !stopping.IsCancellationRequested; attempt++)
        {
            var (manager, channel) = managers.Turn(attempt);
            var pause = TimeSpan.Zero;
            try
            {
                await new ManagerSession(parts, channel).RunAsync(() =>
                {
                    failures = 0;
                    parts.Log.LogInformation("registered with manager {Manager} as node {Node}", manager, parts.State.Node);
                }, stopping).ConfigureAwait(false);
            }
            catch (RefusedException refused)
            {
                pause = AfterRefusal;
                parts.Log.LogError("manager {Manager} refused this node: {Reason}; dialling again in {Seconds} s", manager, refused.Message, AfterRefusal.TotalSeconds);
            }
            catch (Exception broken) when (!stopping.IsCancellationRequested && IsPassing(broken))
            {
                failures++;
                // A manager that is away for long is said once, not twice a second.
                var level = failures == 1 || failures % 60 == 0 ? LogLevel.Warning : LogLevel.Debug;
                parts.Log.Log(level, "no session with manager {Manager}: {Reason}; tasks go on, dialling again", manager, Reason(broken));
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                return;
            }
            pause = pause > TimeSpan.Zero ? pause : Backoff.Delay(Math.Max(1, failures), chance.NextDouble());
            await Task.Delay(pause, parts.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A node that never was in a cluster does not offer itself before its engine answered once; one that was comes back at
    // once, for its containers may run well without the engine.
    private async Task WaitForEngineAsync(CancellationToken stopping)
    {
        while (parts.State.Cluster is null && parts.Health.Facts is null)
        {
            var changed = parts.Health.NextChangeAsync(stopping);
            if (parts.Health.Facts is null)
                await changed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
                return;
        }
    }

    private static bool IsPassing(Exception error) =>
        error is RpcException or ProtocolException or OperationCanceledException or IOException or HttpRequestException or FormatException
            or InvalidOperationException;

    private static string Reason(Exception error) =>
        error is RpcException rpc
            ? rpc.Status.DebugException?.InnerException is { } cause ? $"{rpc.StatusCode}: {cause.Message}" : $"{rpc.StatusCode}: {rpc.Status.Detail}"
            : error.Message;
}
