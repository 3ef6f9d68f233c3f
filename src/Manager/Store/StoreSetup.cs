using Akka.Actor;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Berth.Manager.Keys;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Puts the store into an actor system.</summary>
public static class StoreSetup
{
    /// <summary>Threads of the few actors that everybody waits for: the store, its files and the deciders. The pool's own queue
    /// holds thousands of agents' messages after a large deployment, and each hop of a command would wait behind all of them.</summary>
    public const string Dispatcher = "berth.deciders";

    /// <summary>Starts the store actor on the files of <paramref name="options"/>, which are made when they are missing.</summary>
    /// <param name="builder">The system being built.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="view">Gets every published state.</param>
    /// <param name="failure">Ends the process when the files fail.</param>
    /// <param name="ids">Where new ids come from.</param>
    /// <param name="time">The leader's clock.</param>
    public static AkkaConfigurationBuilder AddStore(
        this AkkaConfigurationBuilder builder, StoreOptions options, ClusterView view, IStoreFailure failure, IdSource ids, TimeProvider time)
    {
        return builder
            .AddStoreFiles(options, time)
            .WithActors((system, registry) =>
            {
                var store = system.ActorOf(Props.Create(() => new StoreActor(view, options, failure, ids, time, new StoreStart())).WithDispatcher(Dispatcher), "store");
                registry.Register<StoreActor>(store);
            });
    }

    /// <summary>Makes the files of <paramref name="options"/> when they are missing, and lets the system's actors use them.</summary>
    public static AkkaConfigurationBuilder AddStoreFiles(this AkkaConfigurationBuilder builder, StoreOptions options, TimeProvider time)
    {
        StoreDatabase.Prepare(options.Directory);
        var keys = options.Keys ?? OpenKeys(options.Directory, time);
        return builder
            .AddSetup(new RowKeysSetup(keys))
            .AddHocon(Hocon(options.Directory), HoconAddMode.Prepend)
            .AddHocon(HeldStateStore.Configuration, HoconAddMode.Prepend)
            .AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append);
    }

    private static RowKeys OpenKeys(string directory, TimeProvider time)
    {
        var file = new KeyFile(directory);
        return new RowKeys(file.OpenOrCreate(time), file.Path);
    }

    // Journal and snapshots have a file each: they are written side by side, and SQLite has one writer a file.
    private static string Hocon(string directory) => $$"""
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
        akka.persistence {
          journal {
            plugin = "akka.persistence.journal.sql"
            sql {
              plugin-dispatcher = "{{Dispatcher}}"
              materializer-dispatcher = "{{Dispatcher}}"
              connection-string = "{{StoreDatabase.ConnectionString(directory, StoreDatabase.JournalFile)}}"
              provider-name = "SQLite.MS"
              auto-initialize = false
              parallelism = 1
              tag-write-mode = Csv
              replay-batch-size = 10000
              circuit-breaker { max-failures = 1, call-timeout = 60s, reset-timeout = 60s }
            }
          }
          snapshot-store {
            plugin = "akka.persistence.snapshot-store.sql"
            sql {
              connection-string = "{{StoreDatabase.ConnectionString(directory, StoreDatabase.SnapshotFile)}}"
              provider-name = "SQLite.MS"
              auto-initialize = false
            }
          }
        }
        """;
}
