using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Which services a change of the state concerns.</summary>
public static class Concerned
{
    /// <summary>Services to decide anew: those touched, those with tasks on touched nodes, and all global ones when a node
    /// changed. Services that are gone are among them while they have tasks.</summary>
    public static IEnumerable<ServiceId> By(ClusterState state, Touched touched)
    {
        if (touched.All)
            return state.Services.Keys.Union(state.TasksByService.Keys);
        if (touched.Nodes.IsEmpty)
            return touched.Services;

        var onNodes = touched.Nodes.SelectMany(state.TasksOn).Select(task => task.ServiceId);
        var global = state.Services.Values.Where(service => service.Spec.Mode is ServiceMode.Global).Select(service => service.Id);
        return touched.Services.Concat(onNodes).Concat(global);
    }
}
