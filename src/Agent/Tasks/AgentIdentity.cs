using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>Who this agent is. The cluster is learned at the first registration, before any task arrives.</summary>
public sealed class AgentIdentity(NodeId node, ClusterId cluster)
{
    /// <summary>The node's id; made once, kept in the data directory.</summary>
    public NodeId Node { get; } = node;

    /// <summary>The cluster it belongs to; zero before the first registration.</summary>
    public ClusterId Cluster { get; set; } = cluster;
}

/// <summary>Where the held tasks outlive the agent.</summary>
public interface ITaskMemory
{
    /// <summary>Returns once the tasks are on disk.</summary>
    Task SaveAsync(IReadOnlyCollection<HeldTask> tasks, CancellationToken cancellation);
}
