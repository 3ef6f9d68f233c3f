using Microsoft.Extensions.Logging;

namespace Berth.Agent.Tasks;

/// <summary>What the keeper does for containers in networks of the cluster.</summary>
public sealed partial class TaskKeeper
{
    // What runs is taken over before any step is begun; what is no more is removed beside the loop.
    private async Task SweepAsync(KeeperInput.EngineListed list)
    {
        try
        {
            await runner.ListedAsync(list.Containers, id => _tasks.GetValueOrDefault(id)?.Task, list.AsOf).ConfigureAwait(false);
        }
        catch (IOException refused)
        {
            log.LogWarning("networks of containers that are no more could not be looked for: {Reason}; the next listing tries again", refused.Message);
        }
    }
}
