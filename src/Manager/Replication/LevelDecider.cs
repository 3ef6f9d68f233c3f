using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Replication;

/// <summary>Says when the cluster's state may be of a higher release level: once no manager is left that could not read it.</summary>
public static class LevelDecider
{
    /// <summary>Decides.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="me">The leader.</param>
    /// <param name="own">Its level.</param>
    /// <param name="standbys">Who follows it now.</param>
    /// <returns>The level to raise it to; null to leave it. It never goes down.</returns>
    /// <remarks>A manager that does not follow now may come back as the release it was: until it is there, or is no manager any more,
    /// nothing is raised.</remarks>
    public static int? Decide(ClusterState state, NodeId me, int own, IReadOnlyCollection<Standby> standbys)
    {
        var lowest = own;
        foreach (var manager in state.Nodes.Values)
        {
            if (manager.Spec.Role != NodeRole.Manager || manager.Id == me)
                continue;
            if (standbys.FirstOrDefault(standby => standby.Node == manager.Id) is not { } follower)
                return null;
            lowest = Math.Min(lowest, follower.Level);
        }
        return lowest > state.Level ? lowest : null;
    }
}
