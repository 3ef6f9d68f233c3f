using Akka.Actor;
using Akka.Configuration;
using Berth.Manager.Store;
using LinqToDB;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>The store of a manager that is alone: two SQLite files in its data directory.</summary>
public sealed class SqliteStore(string directory, LeaderTerm term, TimeProvider time) : IMovableStore
{
    private const string Provider = "SQLite.MS";
    private readonly SqliteLeader _leader = new(directory, time);

    /// <summary>The term that fences its writes.</summary>
    public LeaderTerm Term => term;

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
    public Task ContinueAsync(long head, long epoch, CancellationToken cancellation)
    {
        using var connection = SqliteLeader.Open(directory);
        // Once more by whoever was interrupted changes nothing.
        SqliteFiles.Run(
            connection, "UPDATE leader SET head = $head, epoch = $epoch WHERE head = 0 AND epoch = 0 AND moved IS NULL", ("$head", head), ("$epoch", epoch));
        return SqliteFiles.Run(connection, "SELECT 1 FROM leader WHERE head = $head AND epoch = $epoch AND holder IS NULL", ("$head", head), ("$epoch", epoch)) is not null
            ? Task.CompletedTask
            : throw new InvalidDataException($"the files in '{directory}' hold a cluster's state already; nothing was changed. Move them away first, if they are not needed");
    }

    /// <inheritdoc/>
    public Task MarkMovedAsync(string place, long epoch, CancellationToken cancellation)
    {
        _leader.MarkMoved(place, epoch);
        return Task.CompletedTask;
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
