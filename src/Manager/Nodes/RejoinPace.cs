namespace Berth.Manager.Nodes;

/// <summary>How agents spread out when a manager is lost and all of its agents look for another one.</summary>
public static class RejoinPace
{
    /// <summary>Agents a second that the managers together take in without making anybody's writes wait.</summary>
    public const int AgentsPerSecond = 2000;

    /// <summary>Below so many nodes nobody waits: each of them had better be back within the second.</summary>
    public const int SmallCluster = 500;

    /// <summary>No agent waits longer than this; larger clusters come faster instead.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>The time over which agents spread their first dial after a session broke.</summary>
    /// <param name="nodes">All nodes: in the worst case every one of them lost its manager.</param>
    public static TimeSpan Window(int nodes)
    {
        if (nodes <= SmallCluster)
            return TimeSpan.Zero;
        var window = TimeSpan.FromSeconds((double)nodes / AgentsPerSecond);
        return window < Longest ? window : Longest;
    }

    /// <summary>How much longer than any silence a node has whose session ended or whose manager was lost, before it counts as down: the time
    /// in which its agent may wait, and as long again for managers that are slow to take in so many.</summary>
    /// <param name="nodes">All nodes.</param>
    /// <remarks>A host that lost its power ends no session: it is found as soon as ever.</remarks>
    public static TimeSpan Grace(int nodes) => Window(nodes) is var window && window > TimeSpan.Zero ? window * 2 + ToBeTakenIn : TimeSpan.Zero;

    private static readonly TimeSpan ToBeTakenIn = TimeSpan.FromSeconds(2);
}
