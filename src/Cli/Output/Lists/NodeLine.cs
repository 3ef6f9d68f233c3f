using Berth.Docker;
using Berth.Protocol.V1;

namespace Berth.Cli.Output.Lists;

/// <summary>A row of <c>node ls</c>.</summary>
internal sealed record NodeLine(
    string ID, string Hostname, string Status, string Availability, string ManagerStatus, string EngineVersion,
    string Address, string Role, int TasksRunning, string? Message, IReadOnlyList<string> Warnings)
{
    /// <summary>How nodes are listed.</summary>
    public static Listing<NodeLine> Listing { get; } = new(
        [
            new("ID", row => row.ID),
            new("HOSTNAME", row => row.Hostname),
            new("STATUS", row => row.Status),
            new("AVAILABILITY", row => row.Availability),
            new("MANAGER STATUS", row => row.ManagerStatus),
            new("ENGINE VERSION", row => row.EngineVersion),
        ],
        row => row.ID,
        () => ListJson.Default.NodeLine);

    /// <summary>The row of a node.</summary>
    /// <param name="summary">The node.</param>
    /// <param name="cluster">What is known of managers; null where nobody could say.</param>
    /// <param name="isOnlyManager">Whether there is no other manager's node: then nobody else can lead.</param>
    public static NodeLine Of(NodeSummary summary, ClusterStatus? cluster = null, bool isOnlyManager = false)
    {
        var node = summary.Node;
        var isReady = node.Status.State == NodeState.Ready;
        return new NodeLine(
            node.Id,
            node.Description.Hostname,
            Capital(DockerObjectMapper.Word(node.Status.State)),
            Capital(DockerObjectMapper.Word(node.Spec.Availability)),
            StatusOf(node, cluster, isReady, isOnlyManager),
            node.Description.EngineVersion,
            node.Description.Address,
            DockerObjectMapper.Word(node.Spec.Role),
            summary.TasksRunning,
            isReady || node.Status.Message.Length == 0 ? null : node.Status.Message,
            [.. node.Description.Warnings]);
    }

    // A manager's agent says nothing of who leads: of several only a manager knows.
    private static string StatusOf(Node node, ClusterStatus? cluster, bool isReady, bool isOnlyManager)
    {
        if (cluster is { Managers.Count: > 0 })
            return cluster.Managers.FirstOrDefault(manager => manager.NodeId == node.Id) is { } manager ? ManagerLine.Word(manager) : "";
        return node.Spec.Role != NodeRole.Manager ? "" : !isReady ? "Unreachable" : isOnlyManager ? "Leader" : "Unknown";
    }

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
