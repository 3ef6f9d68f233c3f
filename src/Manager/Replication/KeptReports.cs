using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Replication;

/// <summary>What this standby's agents reported and no leader has published yet, the latest of each task: it is told again to the
/// next leader, because agents say it only once while their session lasts.</summary>
internal sealed class KeptReports
{
    private readonly Dictionary<TaskId, (NodeId Node, ServiceTaskStatus Status)> _kept = [];

    /// <summary>How many tasks have reports that no leader has published.</summary>
    public int Count => _kept.Count;

    /// <summary>An agent reports.</summary>
    public void Add(StoreProtocol.Observe observe)
    {
        foreach (var (task, status) in observe.Reports)
        {
            if (!_kept.TryGetValue(task, out var known) || known.Node != observe.NodeId || known.Status.State <= status.State)
                _kept[task] = (observe.NodeId, status);
        }
    }

    /// <summary>The leader published a state: what it holds by now, or can never hold, is not kept any longer.</summary>
    public void Drop(ClusterState state, Touched touched)
    {
        if (_kept.Count == 0)
            return;
        foreach (var task in touched.All ? [.. _kept.Keys] : touched.Tasks.Where(_kept.ContainsKey).ToList())
        {
            if (IsKnown(state, task, _kept[task]))
                _kept.Remove(task);
        }
    }

    /// <summary>Everything that is kept, by node.</summary>
    public IEnumerable<StoreProtocol.Observe> All() => _kept
        .GroupBy(kept => kept.Value.Node)
        .Select(node => new StoreProtocol.Observe(node.Key, [.. node.Select(kept => (kept.Key, kept.Value.Status))]));

    private static bool IsKnown(ClusterState state, TaskId id, (NodeId Node, ServiceTaskStatus Status) kept) =>
        !state.Tasks.TryGetValue(id, out var task) || task.NodeId != kept.Node || !Observations.IsNews(task.Status, kept.Status);
}
