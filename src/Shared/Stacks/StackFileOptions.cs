namespace Berth.Stacks;

/// <summary>How stack files are read.</summary>
/// <param name="SwarmCompatible">Writes Swarm's defaults where a file is silent (updates stop the old task first)
/// instead of Berth's (docs/decisions/0006-start-first.md).</param>
public sealed record StackFileOptions(bool SwarmCompatible = false)
{
    /// <summary>Whether a service that names no network is in the stack's network <c>STACK_default</c>, as with Swarm; else it is on its
    /// engine's bridge, and in the network <c>ingress</c> when it publishes ports on every node.</summary>
    public bool HasDefaultNetwork { get; init; }
}
