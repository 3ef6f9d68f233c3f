using Akka.Actor;
using Akka.Hosting;
using Akka.Persistence.Sql.Config;
using Berth.Manager.Keys;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Puts the store into an actor system.</summary>
public static class StoreSetup
{
    /// <summary>Threads of the few actors that everybody waits for: the store, its files and the deciders. The pool's own queue
    /// holds thousands of agents' messages after a large deployment, and each hop of a command would wait behind all of them.</summary>
    public const string Dispatcher = "berth.deciders";

    /// <summary>Starts the store actor on <paramref name="backend"/>, which is prepared, in a term that has begun.</summary>
    /// <param name="builder">The system being built.</param>
    /// <param name="backend">Where the state is kept.</param>
    /// <param name="start">The term.</param>
    /// <param name="options">When snapshots are made.</param>
    /// <param name="view">Gets every published state.</param>
    /// <param name="failure">Ends the process when the store fails.</param>
    /// <param name="ids">Where new ids come from.</param>
    /// <param name="time">The leader's clock.</param>
    public static AkkaConfigurationBuilder AddStore(
        this AkkaConfigurationBuilder builder, IStoreBackend backend, StoreStart start, StoreOptions options, ClusterView view, IStoreFailure failure,
        IdSource ids, TimeProvider time) => builder
        .AddStoreBackend(backend, options, time)
        .WithActors((system, registry) =>
        {
            var store = system.ActorOf(Props.Create(() => new StoreActor(view, options, failure, ids, time, start)).WithDispatcher(Dispatcher), "store");
            registry.Register<StoreActor>(store);
        });

    /// <summary>Lets the system's actors use <paramref name="backend"/>, which is prepared, as the journal and for snapshots.</summary>
    public static AkkaConfigurationBuilder AddStoreBackend(
        this AkkaConfigurationBuilder builder, IStoreBackend backend, StoreOptions options, TimeProvider time) => builder
        .AddSetup(new RowKeysSetup(options.Keys ?? OpenKeys(options.Directory, time)))
        .AddSetup(new MultiDataOptionsSetup())
        .AddHocon(Hocon(backend), HoconAddMode.Prepend)
        .AddHocon(HeldStateStore.Configuration, HoconAddMode.Prepend)
        .AddHocon(backend.Configuration, HoconAddMode.Prepend)
        .WithActors((system, _) => backend.Bind(system));

    private static RowKeys OpenKeys(string directory, TimeProvider time)
    {
        var file = new KeyFile(directory);
        return new RowKeys(file.OpenOrCreate(time), file.Path);
    }

    private static string Hocon(IStoreBackend backend) => $$"""
        {{Dispatcher}} {
          type = ForkJoinDispatcher
          throughput = 20
          dedicated-thread-pool { thread-count = 4, threadtype = background }
        }
        akka.actor {
          serializers {
            json = "{{typeof(RefusingSerializer).AssemblyQualifiedName}}"
            cluster = "{{typeof(ClusterSerializer).AssemblyQualifiedName}}"
          }
          serialization-bindings {
            "{{typeof(Commit).AssemblyQualifiedName}}" = cluster
            "{{typeof(Protocol.V1.SnapshotHeader).AssemblyQualifiedName}}" = cluster
            "{{typeof(Protocol.V1.SnapshotChunk).AssemblyQualifiedName}}" = cluster
          }
        }
        akka.persistence.journal.plugin = "{{backend.JournalPluginId}}"
        akka.persistence.snapshot-store.plugin = "{{backend.SnapshotPluginId}}"
        """;
}
