using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>What a service's update settings mean.</summary>
public static class RolloutRules
{
    /// <summary>A rollout in which no slot came to run the new spec for this long has failed.</summary>
    public static readonly TimeSpan ProgressDeadline = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(10);

    /// <summary>Slots that may be in replacement at once.</summary>
    public static int Parallelism(UpdateConfig config) => config.Parallelism <= 0 ? int.MaxValue : config.Parallelism;

    /// <summary>Whether the task of <paramref name="incoming"/> starts while the one of <paramref name="outgoing"/> still
    /// runs; docs/decisions/0006-start-first.md.</summary>
    public static bool StartsFirst(UpdateConfig config, TaskSpec outgoing, TaskSpec incoming) => config.Order switch
    {
        UpdateOrder.StartFirst => true,
        UpdateOrder.StopFirst => false,
        _ => !(ClaimsAlone(outgoing) && ClaimsAlone(incoming)),
    };

    /// <summary>Silence after which a rollout counts as stuck: the deadline, plus what the settings make it wait by themselves.</summary>
    public static TimeSpan Patience(Service service, UpdateConfig config)
    {
        var grace = service.Spec.Task.Container.StopGracePeriod ?? DefaultGrace;
        var earlier = service.PreviousSpec?.Task.Container.StopGracePeriod ?? DefaultGrace;
        return ProgressDeadline + config.Delay + config.Monitor + (grace > earlier ? grace : earlier);
    }

    // What two tasks cannot have at the same time: a fixed port or address, the host's network, files both write to.
    private static bool ClaimsAlone(TaskSpec spec) =>
        spec.Network == NetworkMode.Host
        || spec.Ports.Any(port => port.Published != 0)
        || spec.Networks.Any(attachment => attachment.Address is not null)
        || spec.Container.Mounts.Any(mount => mount is { Type: MountType.Bind or MountType.Volume, ReadOnly: false, Source.Length: > 0 });
}
