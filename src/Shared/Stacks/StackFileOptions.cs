namespace Berth.Stacks;

/// <summary>How stack files are read.</summary>
/// <param name="SwarmCompatible">Writes Swarm's defaults where a file is silent (updates stop the old task first)
/// instead of Berth's (docs/decisions/0006-start-first.md).</param>
public sealed record StackFileOptions(bool SwarmCompatible = false);
