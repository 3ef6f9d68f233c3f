using Akka.Actor;
using Akka.Configuration;
using Berth.Manager.Store;
using LinqToDB;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>The store of a manager that is alone: two SQLite files in its data directory.</summary>
public sealed class SqliteStore(string directory, LeaderTerm term, TimeProvider time) : IStoreBackend
{
    private const string Provider = "SQLite.MS";
    private readonly SqliteLeader _leader = new(directory, time);

    /// <inheritdoc/>
    public string Kind => "sqlite";

    /// <inheritdoc/>
    public string Place => directory;

    /// <inheritdoc/>
    public string JournalPluginId => "akka.persistence.journal.sqlite";

    /// <inheritdoc/>
    public string SnapshotPluginId => "akka.persistence.snapshot-store.sqlite";

    /// <inheritdoc/>
    public ILeaderRecord Leader => _leader;

    /// <inheritdoc/>
    public Config Configuration => SqlPlugins.Configuration(this, Provider, schema: null);

    /// <inheritdoc/>
    public Task PrepareAsync(CancellationToken cancellation)
    {
        SqliteFiles.Prepare(directory);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Bind(ActorSystem system)
    {
        SqlPlugins.Bind(system, JournalPluginId, Options(SqliteFiles.JournalFile));
        SqlPlugins.Bind(system, SnapshotPluginId, Options(SqliteFiles.SnapshotFile));
    }

    /// <inheritdoc/>
    public Task<long> HeadAsync(CancellationToken cancellation)
    {
        using var connection = new SqliteConnection(SqliteFiles.ConnectionString(directory, SqliteFiles.JournalFile));
        connection.Open();
        return Task.FromResult(SqliteFiles.Number(connection, "SELECT head FROM leader"));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var file in (string[])[SqliteFiles.JournalFile, SqliteFiles.SnapshotFile])
        {
            using var connection = new SqliteConnection(SqliteFiles.ConnectionString(directory, file));
            SqliteConnection.ClearPool(connection);
        }
        return ValueTask.CompletedTask;
    }

    private DataOptions Options(string file) => new DataOptions()
        .UseConnectionString(Provider, SqliteFiles.ConnectionString(directory, file))
        .UseInterceptor(new SqliteFence(term))
        .UseInterceptor(new FenceErrors());
}
