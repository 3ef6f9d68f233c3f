using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Model;
using Berth.Model.Networks;

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

    /// <summary>Addresses in networks of the cluster: <c>NETWORK=ADDRESS,…</c> in the order of the container's interfaces.</summary>
    public const string Addresses = "berth.addresses";

    /// <summary>Writes addresses for the label <see cref="Addresses"/>.</summary>
    public static string Format(ValueList<TaskAddress> addresses) => string.Join(',', addresses.Select(address => $"{address.Network}={address.Address}"));

    /// <summary>The addresses that a container was created for; none for one that is in no network, or that bears what is none.</summary>
    public static ValueList<TaskAddress> ReadAddresses(IReadOnlyDictionary<string, string> labels)
    {
        var addresses = new List<TaskAddress>();
        foreach (var entry in labels.GetValueOrDefault(Addresses, "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry.Split('=') is [var network, var address] && NetworkId.TryParse(network, out var id) && IPAddress.TryParse(address, out var ip)
                && ip.AddressFamily == AddressFamily.InterNetwork)
                addresses.Add(new TaskAddress(id, ip));
        }
        return addresses.ToValueList();
    }

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
