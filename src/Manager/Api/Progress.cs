using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>How services converge and how nodes empty, as it is shown. Pure.</summary>
internal static class Progress
{
    /// <summary>Rows of one service in one message. What does not run as wanted comes first, so that nobody waits for a
    /// slot he cannot see.</summary>
    public const int MostRows = 1_000;

    // Services whose reasons a drain names.
    private const int ReasonsShown = 3;

    /// <summary>How one service stands.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="id">The service; it may be gone.</param>
    /// <param name="name">What to call it when it is gone.</param>
    /// <param name="now">The manager's clock.</param>
    /// <returns>What to show, and when time alone changes it.</returns>
    public static (V1.ServiceProgress Shown, DateTimeOffset? AskAgainAt) OfService(
        ClusterState state, ServiceId id, string name, DateTimeOffset now)
    {
        var progress = ProgressJudge.Judge(state, id, now);
        var service = state.Services.GetValueOrDefault(id);
        var rows = new TaskRows(state);
        return (new V1.ServiceProgress
        {
            Id = id.ToString(),
            Name = service?.Spec.Name ?? name,
            Verdict = (V1.ServiceProgress.Types.Verdict)progress.Verdict,
            Reason = progress.Reason,
            Running = progress.Running,
            Desired = progress.Desired,
            Updated = progress.Updated,
            Rollout = service?.Rollout?.ToWire(),
            Tasks = { Shown(state, id, service?.SpecVersion).Select(rows.Brief) },
        }, progress.AskAgainAt);
    }

    /// <summary>How far a node is from empty.</summary>
    public static (V1.DrainProgress Shown, DateTimeOffset? AskAgainAt) OfDrain(ClusterState state, NodeId id, DateTimeOffset now)
    {
        if (!state.Nodes.TryGetValue(id, out var node))
            return (new V1.DrainProgress { Empty = true, Reason = $"node {id} is gone" }, null);

        var name = node.Description.Hostname;
        var isDown = node.Status.State == NodeState.Down;
        var left = TaskRows.Sort(state, state.TasksOn(id).Where(task => !task.State.IsTerminal() && (!isDown || task.IsLive))).ToList();
        if (left.Count == 0)
        {
            var unknown = isDown ? $"{name} is down: its tasks are replaced elsewhere, what still runs on it is not known" : "";
            return (new V1.DrainProgress { Empty = true, Reason = unknown }, null);
        }

        DateTimeOffset? askAgainAt = null;
        var reasons = new List<string>();
        if (node.Spec.Availability != NodeAvailability.Drain)
            reasons.Add($"{name} is not being drained: its tasks stay");
        var services = left.Select(task => task.ServiceId).Distinct().ToList();
        foreach (var service in services.Take(ReasonsShown))
        {
            var progress = ProgressJudge.Judge(state, service, now);
            if (progress.AskAgainAt is { } at && (askAgainAt is null || at < askAgainAt))
                askAgainAt = at;
            if (progress.Reason.Length > 0)
                reasons.Add($"{TaskNames.OfService(state, service)}: {progress.Reason}");
        }
        if (services.Count > ReasonsShown)
            reasons.Add($"and {services.Count - ReasonsShown} more services");
        var rows = new TaskRows(state);
        return (new V1.DrainProgress
        {
            Tasks = { left.Take(MostRows).Select(rows.Brief) },
            Reason = $"{left.Count} {(left.Count == 1 ? "task is" : "tasks are")} left on {name}{(reasons.Count > 0 ? ": " : "")}{string.Join("; ", reasons)}",
        }, askAgainAt);
    }

    // The newest task of each slot; a slot that was given up shows until its last task has stopped.
    private static IEnumerable<ServiceTask> Shown(ClusterState state, ServiceId id, long? wanted)
    {
        var newest = state.TasksOf(id)
            .GroupBy(task => (task.Slot, Node: task.Slot == 0 ? task.NodeId : null))
            .Select(slot => Newest(slot))
            .Where(task => task.DesiredState <= TaskState.Running || !task.State.IsTerminal())
            .OrderBy(task => task is { State: TaskState.Running, DesiredState: TaskState.Running } && task.SpecVersion == wanted)
            .ThenBy(task => task.Slot)
            .ThenBy(task => task.Id)
            .Take(MostRows);
        return TaskRows.Sort(state, newest);
    }

    private static ServiceTask Newest(IEnumerable<ServiceTask> slot) => slot
        .OrderByDescending(task => task.IsLive)
        .ThenByDescending(task => task.CreatedAt)
        .ThenByDescending(task => task.Id)
        .First();
}
