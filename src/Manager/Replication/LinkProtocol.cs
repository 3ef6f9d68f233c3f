using Berth.Manager.Store;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>What a link to the leader tells <see cref="FollowerActor"/>.</summary>
internal static class LinkProtocol
{
    /// <summary>The leader said this.</summary>
    internal sealed record Heard(LeaderLink Link, V1.FromLeader Message);

    /// <summary>The link is over; the leader may have said that this node is no manager any more.</summary>
    internal sealed record Ended(LeaderLink Link, string Reason, bool IsDemoted);

    /// <summary>Who leads, or whether this process does, changed.</summary>
    internal sealed record LeaderChanged
    {
        public static LeaderChanged Instance { get; } = new();
    }

    /// <summary>An agent's session at this manager opened or ended.</summary>
    internal sealed record SessionChanged(Model.NodeId Node, string? Ended, bool Restarts);
}
