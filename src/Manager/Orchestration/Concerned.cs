using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Which services a change of the state concerns.</summary>
public static class Concerned
{
    /// <summary>Services to decide anew: those that changed, those with tasks on changed nodes, and all global ones when a
    /// node changed. Services that are gone are among them while they have tasks.</summary>
    /// <param name="before">The state of the message before.</param>
    /// <param name="state">The state now.</param>
    /// <param name="touched">What differs.</param>
    /// <param name="settled">Services whose last decision was settled: that their tasks come further concerns nobody. A
    /// deployment of thousands of tasks reports each of them several times.</param>
    public static IEnumerable<ServiceId> By(ClusterState before, ClusterState state, Touched touched, IReadOnlySet<ServiceId> settled)
    {
        if (touched.All)
            return state.Services.Keys.Union(state.TasksByService.Keys);

        var news = touched.Tasks.Select(task => NewsFor(before, state, task)).OfType<ServiceId>().ToHashSet();
        var changed = touched.Services.Where(service => !settled.Contains(service) || news.Contains(service) || IsChanged(before, state, service));
        if (touched.Nodes.IsEmpty)
            return changed;

        var onNodes = touched.Nodes.SelectMany(state.TasksOn).Select(task => task.ServiceId);
        var global = state.Services.Values.Where(service => service.Spec.Mode is ServiceMode.Global).Select(service => service.Id);
        return changed.Concat(onNodes).Concat(global);
    }

    // Null when the task is the same attempt as before, still meant to run and not ended.
    private static ServiceId? NewsFor(ClusterState before, ClusterState state, TaskId id)
    {
        var isKnown = before.Tasks.TryGetValue(id, out var earlier);
        if (!state.Tasks.TryGetValue(id, out var now))
            return earlier?.ServiceId;
        return isKnown && now.IsLive && now.DesiredState == earlier!.DesiredState && now.SpecVersion == earlier.SpecVersion ? null : now.ServiceId;
    }

    private static bool IsChanged(ClusterState before, ClusterState state, ServiceId id) =>
        !before.Services.TryGetValue(id, out var earlier) || !state.Services.TryGetValue(id, out var now) || earlier.Version != now.Version;
}
