using System.Collections.Concurrent;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Peers;

/// <summary>How another manager was when it was last asked.</summary>
/// <param name="IsReachable">Whether it answered.</param>
/// <param name="Problem">Why not, for people; empty when it did.</param>
/// <param name="Last">Its newest answer; null when it never gave one.</param>
/// <param name="ReachableFor">How long it has been answering without a break, as of its newest answer.</param>
public sealed record PeerSighting(bool IsReachable, string Problem, V1.Greeting? Last, TimeSpan ReachableFor);

/// <summary>How the other managers are, as this one sees them. Written by <see cref="PeerWatch"/>, read by any thread.</summary>
public sealed class PeerSightings
{
    private readonly ConcurrentDictionary<NodeId, PeerSighting> _seen = new();

    /// <summary>What is known of a manager; null before it was asked.</summary>
    public PeerSighting? Find(NodeId manager) => _seen.GetValueOrDefault(manager);

    internal void Note(NodeId manager, PeerSighting sighting) => _seen[manager] = sighting;

    internal void Keep(IEnumerable<NodeId> managers)
    {
        foreach (var gone in _seen.Keys.Except(managers))
            _seen.TryRemove(gone, out _);
    }
}
