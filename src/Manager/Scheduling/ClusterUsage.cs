using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>What every node carries, kept in step with the state at the cost of what changed, not of what there is.</summary>
/// <remarks>Owned by one shell; <see cref="Scheduler"/> only reads it.</remarks>
public sealed class ClusterUsage
{
    private static readonly NodeUsage Nothing = new();
    private readonly Dictionary<NodeId, NodeUsage> _nodes = [];

    /// <summary>Counted from the whole state.</summary>
    public static ClusterUsage Of(ClusterState state)
    {
        var usage = new ClusterUsage();
        foreach (var task in state.Tasks.Values)
            usage.Add(task);
        return usage;
    }

    /// <summary>Takes over what changed between two states.</summary>
    /// <param name="before">The state this was last brought up to.</param>
    /// <param name="after">The state to bring it up to.</param>
    /// <param name="tasks">Ids of every task that differs between them; more do no harm.</param>
    /// <returns>Whether a pending task may now be placed differently: room was taken or freed, or its wish changed.</returns>
    public bool Update(ClusterState before, ClusterState after, IEnumerable<TaskId> tasks)
    {
        var changed = false;
        foreach (var id in tasks)
        {
            var was = before.Tasks.GetValueOrDefault(id);
            var now = after.Tasks.GetValueOrDefault(id);
            if (was is not null && now is not null && NodeUsage.CountsAlike(was, now))
            {
                changed |= was.DesiredState != now.DesiredState;
                continue;
            }
            if (was is not null)
                Remove(was);
            if (now is not null)
                Add(now);
            changed = true;
        }
        return changed;
    }

    internal NodeUsage On(NodeId node) => _nodes.TryGetValue(node, out var usage) ? usage : Nothing;

    private void Add(ServiceTask task)
    {
        if (!NodeUsage.IsOccupiedBy(task))
            return;
        var node = task.NodeId!.Value;
        if (!_nodes.TryGetValue(node, out var usage))
            _nodes[node] = usage = new NodeUsage();
        usage.Add(task);
    }

    private void Remove(ServiceTask task)
    {
        if (NodeUsage.IsOccupiedBy(task))
            _nodes[task.NodeId!.Value].Remove(task);
    }
}
