using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>The record of who leads in the SQLite files.</summary>
/// <remarks>Whoever holds the directory's lock takes the lead at its start and keeps it: a sign of life says nothing more there,
/// and would cost a synced write each time, so it only looks whether the term is still ours.</remarks>
internal sealed class SqliteLeader(string directory, TimeProvider time) : ILeaderRecord
{
    private const int BusySeconds = 5;

    // Nobody else writes these files but by mistake: looking now and then is enough.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc/>
    public Task<LeaderRecord> ReadAsync(CancellationToken cancellation) => Task.FromResult(Read());

    /// <inheritdoc/>
    public Task<LeaderRecord?> TryTakeAsync(LeaderRecord seen, NodeId me, string url, CancellationToken cancellation) =>
        Task.FromResult(TryTake(seen, me, url));

    /// <inheritdoc/>
    public Task<bool> RenewAsync(long epoch, CancellationToken cancellation)
    {
        using var connection = Open(directory);
        return Task.FromResult(SqliteFiles.Run(
            connection, "SELECT 1 FROM leader WHERE epoch = $epoch AND holder IS NOT NULL AND moved IS NULL", ("$epoch", epoch)) is not null);
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(long epoch, CancellationToken cancellation)
    {
        using var connection = Open(directory);
        SqliteFiles.Run(connection, "UPDATE leader SET holder = NULL WHERE epoch = $epoch", ("$epoch", epoch));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<LeaderRecord> ChangeAsync(LeaderRecord seen, TimeSpan patience, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        for (; ; )
        {
            var now = Read();
            var left = patience - time.GetElapsedTime(begun);
            if (now != seen || left <= TimeSpan.Zero)
                return now;
            await Task.Delay(left < LookEvery ? left : LookEvery, time, cancellation);
        }
    }

    /// <summary>The record as it is now.</summary>
    public LeaderRecord Read()
    {
        using var connection = Open(directory);
        return Read(connection, directory);
    }

    /// <summary>Takes the lead if the record still is <paramref name="seen"/>: in the journal's file and, in the same transaction,
    /// in the snapshots'.</summary>
    public LeaderRecord? TryTake(LeaderRecord seen, NodeId me, string url)
    {
        using var connection = OpenBoth();
        // Waits for a write that has begun, and lets none begin before it is done.
        using var transaction = connection.BeginTransaction(deferred: false);
        if (Read(connection, directory) != seen)
            return null;
        var taken = new LeaderRecord(seen.Epoch + 1, me, url, 0);
        SqliteFiles.Run(
            connection,
            "UPDATE leader SET epoch = $epoch, holder = $holder, url = $url, renewals = 0; UPDATE snapshots.guard SET epoch = $epoch",
            ("$epoch", taken.Epoch), ("$holder", me.ToString()), ("$url", url));
        transaction.Commit();
        return taken;
    }

    /// <summary>Nobody leads here any more; what the snapshots' file guards ends in the same transaction.</summary>
    public void MarkMoved(string place, long epoch)
    {
        using var connection = OpenBoth();
        using var transaction = connection.BeginTransaction(deferred: false);
        if (SqliteFiles.Run(connection, "SELECT epoch FROM leader WHERE epoch = $epoch", ("$epoch", epoch)) is null)
            throw new FencedException($"another manager took the lead in '{directory}'; the state was not marked as moved");
        SqliteFiles.Run(connection, "UPDATE leader SET moved = $place; UPDATE snapshots.guard SET epoch = 0", ("$place", place));
        transaction.Commit();
    }

    /// <summary>What is said to whoever still looks here.</summary>
    public static StoreMovedException Moved(string place, string directory) => new(
        place, $"the state has moved from '{directory}' to {place}; set \"store\" in manager.json to that. What is here is old");

    private static LeaderRecord Read(SqliteConnection connection, string directory)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT epoch, holder, url, renewals, moved FROM leader";
        using var row = command.ExecuteReader();
        row.Read();
        if (!row.IsDBNull(4))
            throw Moved(row.GetString(4), directory);
        return new LeaderRecord(row.GetInt64(0), row.IsDBNull(1) ? null : NodeId.Parse(row.GetString(1)), row.GetString(2), row.GetInt64(3));
    }

    private SqliteConnection OpenBoth()
    {
        var connection = Open(directory);
        SqliteFiles.Run(connection, "ATTACH $file AS snapshots", ("$file", Path.Combine(directory, SqliteFiles.SnapshotFile)));
        return connection;
    }

    /// <summary>A connection to the journal's file. Not pooled: one that has a second file attached must not come back as one
    /// that has not.</summary>
    public static SqliteConnection Open(string directory)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(directory, SqliteFiles.JournalFile),
            DefaultTimeout = BusySeconds,
            Pooling = false,
        }.ToString());
        connection.Open();
        return connection;
    }
}
