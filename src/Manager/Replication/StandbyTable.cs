using System.Collections.Concurrent;
using Berth.Model;
using Berth.Protocol;

namespace Berth.Manager.Replication;

/// <summary>A standby as the leader knows it.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Version">Of its program.</param>
/// <param name="Index">Newest commit it said it holds.</param>
public sealed record Standby(NodeId Node, string Version, long Index)
{
    /// <summary>Release level of its program.</summary>
    public int Level { get; init; } = ReleaseLevel.First;
}

/// <summary>The standbys that follow this manager now; empty while it does not lead.</summary>
public interface IStandbys
{
    /// <summary>All of them, in no order.</summary>
    IReadOnlyCollection<Standby> All { get; }
}

/// <inheritdoc/>
internal sealed class StandbyTable : IStandbys
{
    private readonly ConcurrentDictionary<StandbySession, Standby> _open = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyCollection<Standby> All => [.. _open.Values];

    public void Put(StandbySession session, Standby standby) => _open[session] = standby;

    public void Remove(StandbySession session) => _open.TryRemove(session, out _);
}
