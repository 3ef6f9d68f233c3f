using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Sql;
using Akka.Persistence.Sql.Config;
using Berth.Manager.Store;
using LinqToDB;

namespace Berth.Manager.Journals;

/// <summary>Settings that both stores of Akka.Persistence.Sql share.</summary>
internal static class SqlPlugins
{
    /// <summary>The two plugins of <paramref name="store"/>. Tables are ours; connections come by <see cref="Bind"/>.</summary>
    /// <param name="store">Names the plugins.</param>
    /// <param name="provider">Linq2db's name of the database and its version. Without it here, and not only in the options, the
    /// plugin takes columns for another database's.</param>
    /// <param name="schema">Where the tables are; null for the default.</param>
    public static Config Configuration(IStoreBackend store, string provider, string? schema) => ConfigurationFactory.ParseString($$"""
        {{store.JournalPluginId}} {
          class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
          plugin-id = "{{store.JournalPluginId}}"
          plugin-dispatcher = "{{StoreSetup.Dispatcher}}"
          materializer-dispatcher = "{{StoreSetup.Dispatcher}}"
          provider-name = "{{provider}}"
          auto-initialize = false
          parallelism = 1
          tag-write-mode = Csv
          replay-batch-size = 10000
          circuit-breaker { max-failures = 1, call-timeout = 60s, reset-timeout = 60s }
          default.schema-name = {{schema ?? "null"}}
        }
        {{store.SnapshotPluginId}} {
          class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
          plugin-id = "{{store.SnapshotPluginId}}"
          provider-name = "{{provider}}"
          auto-initialize = false
          default.schema-name = {{schema ?? "null"}}
        }
        """).WithFallback(SqlPersistence.DefaultConfiguration);

    /// <summary>Gives a plugin its connections; the system was made with <see cref="StoreSetup"/>.</summary>
    public static void Bind(ActorSystem system, string pluginId, DataOptions options)
    {
        var setup = system.Settings.Setup.Get<MultiDataOptionsSetup>();
        if (!setup.HasValue)
            throw new InvalidOperationException($"the actor system has no {nameof(MultiDataOptionsSetup)}: add the store with {nameof(StoreSetup.AddStore)}");
        setup.Value.AddDataOptions(pluginId, options);
    }
}
