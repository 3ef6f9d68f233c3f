using Akka.Actor;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Leadership;

/// <summary>Makes the store actor when this process comes to lead.</summary>
/// <param name="View">Gets every published state.</param>
/// <param name="Options">When it makes snapshots.</param>
/// <param name="Failure">Ends the process.</param>
/// <param name="Ids">Where new ids come from.</param>
/// <param name="Time">The leader's clock.</param>
/// <param name="Lease">Whether this process still leads.</param>
public sealed record StoreFactory(
    ClusterView View, StoreOptions Options, IStoreFailure Failure, IdSource Ids, TimeProvider Time, ILease Lease)
{
    /// <summary>Told when the store has published its first state of the term.</summary>
    public Action? Ready { get; init; }

    /// <summary>Who tells standbys of what is published; null when there are none.</summary>
    public IActorRef? Feed { get; init; }

    /// <summary>Where the state is kept; null for the configured plugins.</summary>
    public StorePlugins? Plugins { get; init; }

    /// <summary>A store actor of the term <paramref name="epoch"/>.</summary>
    /// <param name="epoch">The term.</param>
    /// <param name="held">The state to begin from; null to read it.</param>
    public Props Props(long epoch, ClusterState? held)
    {
        var start = new StoreStart { Epoch = epoch, Lease = Lease, Ready = Ready, Feed = Feed, Held = held };
        if (Plugins is { } plugins)
            start = start with { JournalPluginId = plugins.Journal, SnapshotPluginId = plugins.Snapshots };
        var (view, options, failure, ids, time) = (View, Options, Failure, Ids, Time);
        return Akka.Actor.Props.Create(() => new StoreActor(view, options, failure, ids, time, start)).WithDispatcher(StoreSetup.Dispatcher);
    }
}

/// <summary>Which plugins of Akka.Persistence keep the state.</summary>
/// <param name="Journal">Id of the journal's.</param>
/// <param name="Snapshots">Id of the snapshot store's.</param>
public sealed record StorePlugins(string Journal, string Snapshots);
