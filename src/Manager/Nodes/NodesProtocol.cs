using Berth.Model;

namespace Berth.Manager.Nodes;

/// <summary>What <see cref="NodesActor"/> is told of sessions. Beats are not told: they are in <see cref="Heartbeats"/>.</summary>
public static class NodesProtocol
{
    /// <summary>The node's session was opened or ended: <see cref="Heart.Ended"/> says which.</summary>
    public sealed record SessionChanged(NodeId Node);

    /// <summary>A node that was called down beats again on its old session.</summary>
    public sealed record HeardAgain(NodeId Node);
}
