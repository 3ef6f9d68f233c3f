using System.Globalization;
using Berth.Model;

namespace Berth.Agent.Engine;

/// <summary>Names and labels by which an agent and other tools know a task's container again.</summary>
public static class TaskLabels
{
    /// <summary>The task's id.</summary>
    public const string Task = "berth.task";
    /// <summary>The node whose agent made the container.</summary>
    public const string Node = "berth.node";
    /// <summary>The cluster the container belongs to.</summary>
    public const string Cluster = "berth.cluster";

    /// <summary>The filter that finds every container of one node's agent.</summary>
    public static string OfNode(NodeId node) => $"{Node}={node}";

    /// <summary><c>service.slot.taskid</c>, or <c>service.nodeid.taskid</c> for a global service, as Swarm names them.</summary>
    public static string ContainerName(string serviceName, int slot, TaskId task, NodeId node) =>
        $"{serviceName}.{SlotName(slot, node)}.{task}";

    /// <summary>The container's labels: the user's, Swarm's (log collectors, proxies and dashboards read them) and Berth's own,
    /// which win.</summary>
    public static Dictionary<string, string> For(
        ValueMap containerLabels, string serviceId, string serviceName, int slot, TaskId task, NodeId node, ClusterId cluster)
    {
        var labels = new Dictionary<string, string>(containerLabels)
        {
            ["com.docker.swarm.task"] = "",
            ["com.docker.swarm.task.id"] = task.ToString(),
            ["com.docker.swarm.task.name"] = ContainerName(serviceName, slot, task, node),
            ["com.docker.swarm.node.id"] = node.ToString(),
            ["com.docker.swarm.service.id"] = serviceId,
            ["com.docker.swarm.service.name"] = serviceName,
            [Task] = task.ToString(),
            [Node] = node.ToString(),
            [Cluster] = cluster.ToString(),
        };
        return labels;
    }

    private static string SlotName(int slot, NodeId node) =>
        slot == 0 ? node.ToString() : slot.ToString(CultureInfo.InvariantCulture);
}
