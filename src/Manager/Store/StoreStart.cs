using Akka.Actor;

namespace Berth.Manager.Store;

/// <summary>Whether this process may believe that it still leads.</summary>
public interface ILease
{
    /// <summary>False once the store's last sign that this process leads is too old to be believed, by the monotonic clock.</summary>
    bool IsValid { get; }
}

/// <summary>What a store actor is given by whoever lets it lead.</summary>
public sealed record StoreStart
{
    /// <summary>The term in which the store's fences let it write; 0 where the store keeps no record of who leads.</summary>
    public long Epoch { get; init; }

    /// <summary>Asked before anything is answered that no write has proven.</summary>
    public ILease Lease { get; init; } = Unlimited.Instance;

    /// <summary>Called once the first state of the term is durable and published.</summary>
    public Action? Ready { get; init; }

    /// <summary>Gets a <see cref="StoreProtocol.Published"/> for each published state; null when nobody follows.</summary>
    public IActorRef? Feed { get; init; }

    /// <summary>The state to begin from, soft parts included: only newer rows are read; null to read snapshot and journal.</summary>
    public ClusterState? Held { get; init; }

    /// <summary>Id of the journal plugin; empty for the configured one.</summary>
    public string JournalPluginId { get; init; } = "";

    /// <summary>Id of the plugin that keeps snapshots; empty for the configured one.</summary>
    public string SnapshotPluginId { get; init; } = "";

    /// <summary>The lease of a manager that holds its store alone.</summary>
    private sealed class Unlimited : ILease
    {
        public static Unlimited Instance { get; } = new();

        public bool IsValid => true;
    }
}
