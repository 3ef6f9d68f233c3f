using System.Globalization;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Api;

/// <summary>What people call a task.</summary>
internal static class TaskNames
{
    /// <summary><c>SERVICE.SLOT</c>, or <c>SERVICE.NODEID</c> in a global service.</summary>
    public static string Of(ClusterState state, ServiceTask task)
    {
        var slot = task.Slot > 0
            ? task.Slot.ToString(CultureInfo.InvariantCulture)
            : task.NodeId?.ToString() ?? task.Id.ToString();
        return $"{OfService(state, task.ServiceId)}.{slot}";
    }

    /// <summary>The service's name; its id once it is gone and only its tasks are left.</summary>
    public static string OfService(ClusterState state, ServiceId id) =>
        state.Services.TryGetValue(id, out var service) ? service.Spec.Name : id.ToString();

    /// <summary>The node's host name; its id when it is gone; empty when there is none.</summary>
    public static string OfNode(ClusterState state, NodeId? id) => id switch
    {
        null => "",
        { } known when state.Nodes.TryGetValue(known, out var node) => node.Description.Hostname,
        { } gone => gone.ToString(),
    };
}
