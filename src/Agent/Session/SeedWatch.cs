using Berth.Consul;
using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Session;

/// <summary>Managers to dial when none that managers told of answers: addresses from the command line, and whoever Consul names.</summary>
/// <remarks>Consul is asked for as long as the agent runs, by queries that wait for a change. While it does not answer, what it
/// said last stays; what managers told is never touched.</remarks>
/// <param name="managers">Addresses from the command line.</param>
/// <param name="consuls">Where to ask.</param>
/// <param name="cluster">The agent's cluster; null while it is in none.</param>
/// <param name="chance">For pauses.</param>
public sealed class SeedWatch(
    IReadOnlyList<Uri> managers, IReadOnlyList<ConsulAddress> consuls, Func<ClusterId?> cluster, Random chance, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    // A list that changes without end must not keep agents asking without end.
    private static readonly TimeSpan BetweenAnswers = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly Dictionary<ConsulAddress, ValueList<Uri>> _found = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether there may be seeds that are not known yet.</summary>
    public bool IsWatching => consuls.Count > 0;

    /// <summary>What is known now.</summary>
    public IReadOnlyList<ManagerEndpoint> Current
    {
        get
        {
            lock (_gate)
                return [.. managers.Concat(_found.Values.SelectMany(found => found)).Distinct().Select(url => new ManagerEndpoint("", url))];
        }
    }

    /// <summary>Ends with the next change; to be taken before <see cref="Current"/> is looked at.</summary>
    public Task NextChange
    {
        get
        {
            lock (_gate)
                return _changed.Task;
        }
    }

    /// <summary>Asks until the agent stops.</summary>
    public async Task RunAsync(CancellationToken stopping) =>
        await Task.WhenAll(consuls.Select(consul => WatchAsync(consul, stopping))).ConfigureAwait(false);

    private async Task WatchAsync(ConsulAddress address, CancellationToken stopping)
    {
        using var consul = new ConsulClient(address, time);
        var (index, failures) = (0L, 0);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                (index, var entries) = await consul.HealthyAsync(index, stopping).ConfigureAwait(false);
                if (failures > 0)
                    log.LogInformation("Consul at {Consul} answers again", address.Http);
                failures = 0;
                Found(address, ConsulManagers.Read(entries, cluster()));
                await PauseAsync(BetweenAnswers, stopping).ConfigureAwait(false);
            }
            catch (ConsulException error)
            {
                index = 0;
                if (failures++ == 0)
                    log.LogWarning("{Reason}. Managers that are known stay known; asking again", error.Message);
                var pause = ShortestPause * Math.Pow(2, Math.Min(failures, 6) - 1);
                await PauseAsync((pause < LongestPause ? pause : LongestPause) * (0.5 + chance.NextDouble() / 2), stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private void Found(ConsulAddress address, ValueList<Uri> urls)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            // An empty answer is no news of where managers are: it is kept from making an agent forget the way.
            if (urls.IsEmpty || (_found.TryGetValue(address, out var known) && known == urls))
                return;
            _found[address] = urls;
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        log.LogInformation("Consul at {Consul} names managers {Managers}", address.Http, string.Join(", ", urls.Select(url => url.Authority)));
        changed.SetResult();
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken stopping) =>
        await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
