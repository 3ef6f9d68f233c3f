using Berth.Agent.Network;
using Berth.Agent.Tasks;
using Berth.Model.Networks;
using Berth.Protocol;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>What managers tell of networks: shown to those who make rules of it, and kept for a restart.</summary>
/// <remarks>Each session begins with all of it; until then what an earlier one told goes on to hold.</remarks>
public sealed class NetworkFeed(Plane plane, AgentStateFile state, EngineHealth health, ILogger log, TimeProvider time)
{
    // What is lost with a crash, the next session tells again.
    private static readonly TimeSpan SavePause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    /// <summary>A session's own view: changes only make sense on what that session told before.</summary>
    public sealed class Told
    {
        internal bool IsWhole { get; set; }

        internal long Sequence { get; set; }
    }

    /// <summary>Takes in a message.</summary>
    /// <exception cref="ProtocolException">One before it is missing, or it cannot be read.</exception>
    public void Take(V1.NetworkSet set, Told told)
    {
        if (!set.Full && (!told.IsWhole || set.Sequence != told.Sequence + 1))
            throw new ProtocolException($"a change of networks came with number {set.Sequence} after {told.Sequence}: one is missing");
        try
        {
            plane.Change(now => now with { Wanted = now.Wanted.Apply(set) });
        }
        catch (FormatException broken)
        {
            throw new ProtocolException($"what the manager tells of networks cannot be read: {broken.Message}");
        }
        (told.IsWhole, told.Sequence) = (true, set.Sequence);
    }

    /// <summary>Saves what is new, until the agent stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var saved = plane.State.Wanted;
        while (!stopping.IsCancellationRequested)
        {
            var seen = plane.State;
            if (ReferenceEquals(seen.Wanted, saved))
            {
                await plane.ChangedAsync(seen, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }
            var isSaved = await SaveAsync(seen.Wanted, stopping).ConfigureAwait(false);
            if (isSaved)
                saved = seen.Wanted;
            await Task.Delay(isSaved ? SavePause : RetryPause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> SaveAsync(NodeNetworks networks, CancellationToken stopping)
    {
        try
        {
            await state.RememberAsync(networks, stopping).ConfigureAwait(false);
            return true;
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
        {
            if (health.CannotSave(broken.Message))
                log.LogError("what is known of networks cannot be saved: {Reason}; trying again", broken.Message);
            return false;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return false;
        }
    }
}
