using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>The state a standby holds when it takes the lead: what its store actor recovers from, in place of a snapshot on disk.</summary>
/// <param name="State">Durable up to its index, soft parts included.</param>
/// <param name="Header">The newest snapshot in the store; null when there is none. Its chunks' numbers go on from it.</param>
internal sealed record HeldState(ClusterState State, V1.SnapshotHeader? Header);

/// <summary>Carries the state to be held from who starts the store actor to the plugin that offers it.</summary>
internal sealed class HeldStates : IExtension
{
    private volatile Offer? _offer;

    /// <summary>Of a system.</summary>
    public static HeldStates Of(ActorSystem system) => system.WithExtension<HeldStates, Provider>();

    /// <summary>What is to be offered next.</summary>
    public Offer? Next
    {
        get => _offer;
        set => _offer = value;
    }

    /// <param name="State">The standby's state.</param>
    /// <param name="SnapshotPluginId">The plugin that keeps snapshots.</param>
    internal sealed record Offer(ClusterState State, string? SnapshotPluginId);

    private sealed class Provider : ExtensionIdProvider<HeldStates>
    {
        public override HeldStates CreateExtension(ExtendedActorSystem system) => new();
    }
}

/// <summary>A snapshot store that hands over an object of this process. Only the store actor's recovery uses it: snapshots are
/// written and read by <see cref="SnapshotFiles"/>.</summary>
/// <remarks>A snapshot in the store that is newer than the held state wins: the rows between them may be gone.</remarks>
internal sealed class HeldStateStore : SnapshotStore
{
    /// <summary>Its plugin id.</summary>
    public const string PluginId = "berth.held-state";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>Settings that make it known.</summary>
    public static Config Configuration { get; } = ConfigurationFactory.ParseString($$"""
        {{PluginId}} {
          class = "{{typeof(HeldStateStore).AssemblyQualifiedName}}"
          plugin-dispatcher = "{{StoreSetup.Dispatcher}}"
        }
        """);

    /// <inheritdoc/>
    protected override async Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var states = HeldStates.Of(Context.System);
        var offer = states.Next ?? throw new InvalidOperationException("no state is held");
        states.Next = null;
        var kept = Persistence.Instance.Apply(Context.System).SnapshotStoreFor(offer.SnapshotPluginId);
        var newest = await kept.Ask<object>(new LoadSnapshot(persistenceId, criteria, long.MaxValue), Timeout, cancellationToken) switch
        {
            LoadSnapshotResult result => result.Snapshot,
            LoadSnapshotFailed failed => throw new InvalidDataException("the newest snapshot cannot be read", failed.Cause),
            var other => throw new InvalidOperationException($"the snapshot store answered with {other.GetType().Name}"),
        };
        if (newest is not null && newest.Metadata.SequenceNr > offer.State.Index)
            return newest;
        var metadata = new SnapshotMetadata(persistenceId, offer.State.Index, offer.State.LedSince.UtcDateTime);
        return new SelectedSnapshot(metadata, new HeldState(offer.State, newest?.Snapshot as V1.SnapshotHeader));
    }

    /// <inheritdoc/>
    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken) => throw NotKept();

    /// <inheritdoc/>
    protected override Task DeleteAsync(SnapshotMetadata metadata, CancellationToken cancellationToken) => throw NotKept();

    /// <inheritdoc/>
    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) => throw NotKept();

    private static NotSupportedException NotKept() => new("a held state is only read");
}
