using Berth.Manager.Store;
using Berth.Model;
using Npgsql;

namespace Berth.Manager.Journals.Postgres;

/// <summary>The record of who leads, a row in PostgreSQL.</summary>
/// <remarks>Its connections are its own: a renewal never waits for one that reads a large log, and all its waits are short. That
/// another took the lead, or let go, is told by NOTIFY; renewals, and a lost notification, are seen by looking again.</remarks>
internal sealed class PostgresLeader(NpgsqlDataSource source, string place, TimeProvider time) : ILeaderRecord
{
    private const string Columns = "epoch, holder, url, renewals, moved";

    // As often as a leader renews.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    // A leader that was stopped in the middle of a write would keep its lock, and so the lead, until it is started again.
    private const string EndStalledWrites = $"""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND application_name = '{PostgresStore.WriterName}'
          AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '500 milliseconds'
        """;

    private const string Take = $"""
        WITH taken AS (
          UPDATE berth.leader SET epoch = epoch + 1, holder = $1, url = $2, renewals = 0
          WHERE moved IS NULL AND epoch = $3 AND holder IS NOT DISTINCT FROM $4 AND url = $5 AND renewals = $6 RETURNING epoch),
        guarded AS (UPDATE berth.guard SET epoch = taken.epoch FROM taken)
        SELECT epoch, pg_notify('{PostgresTables.Channel}', '')::text FROM taken
        """;

    // Losing a renewal with the server's power harms nobody, so it does not wait for the disk; every commit of the log does.
    private const string Renew = """
        UPDATE berth.leader SET renewals = renewals + 1
        WHERE epoch = $1 AND holder IS NOT NULL AND moved IS NULL AND set_config('synchronous_commit', 'off', true) IS NOT NULL
        """;

    private const string Release = $"""
        WITH freed AS (UPDATE berth.leader SET holder = NULL WHERE epoch = $1 AND holder IS NOT NULL RETURNING epoch)
        SELECT pg_notify('{PostgresTables.Channel}', '')::text FROM freed
        """;

    // Once more by whoever was interrupted changes nothing.
    private const string Continue = """
        WITH made AS (
          UPDATE berth.leader SET head = $1, epoch = $2
          WHERE moved IS NULL AND (head = 0 AND epoch = 0 OR head = $1 AND epoch = $2 AND holder IS NULL) RETURNING 1)
        SELECT EXISTS (SELECT 1 FROM made)
        """;

    private const string Mark = $"""
        WITH marked AS (UPDATE berth.leader SET moved = $1 WHERE epoch = $2 RETURNING epoch),
        ended AS (UPDATE berth.guard SET epoch = 0 FROM marked)
        SELECT epoch, pg_notify('{PostgresTables.Channel}', '')::text FROM marked
        """;

    /// <inheritdoc/>
    public Task<LeaderRecord> ReadAsync(CancellationToken cancellation) => AskAsync(connection => ReadAsync(connection, cancellation), cancellation);

    /// <inheritdoc/>
    public Task<LeaderRecord?> TryTakeAsync(LeaderRecord seen, NodeId me, string url, CancellationToken cancellation) => AskAsync(async connection =>
    {
        await using (var end = new NpgsqlCommand(EndStalledWrites, connection))
            await end.ExecuteNonQueryAsync(cancellation);
        await using var take = new NpgsqlCommand(Take, connection)
        {
            Parameters =
            {
                new() { Value = me.ToString() },
                new() { Value = url },
                new() { Value = seen.Epoch },
                new() { Value = seen.Holder is { } holder ? holder.ToString() : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = seen.Url },
                new() { Value = seen.Renewals },
            },
        };
        return await take.ExecuteScalarAsync(cancellation) is long epoch ? new LeaderRecord(epoch, me, url, 0) : null;
    }, cancellation);

    /// <inheritdoc/>
    public Task<bool> RenewAsync(long epoch, CancellationToken cancellation) => AskAsync(async connection =>
    {
        await using var renew = new NpgsqlCommand(Renew, connection) { Parameters = { new() { Value = epoch } } };
        return await renew.ExecuteNonQueryAsync(cancellation) == 1;
    }, cancellation);

    /// <inheritdoc/>
    public Task ReleaseAsync(long epoch, CancellationToken cancellation) => AskAsync(async connection =>
    {
        await using var release = new NpgsqlCommand(Release, connection) { Parameters = { new() { Value = epoch } } };
        return await release.ExecuteScalarAsync(cancellation);
    }, cancellation);

    /// <inheritdoc/>
    public Task<LeaderRecord> ChangeAsync(LeaderRecord seen, TimeSpan patience, CancellationToken cancellation) => AskAsync(async connection =>
    {
        var begun = time.GetTimestamp();
        // Before the first look: what changes after it is told.
        await using (var listen = new NpgsqlCommand($"LISTEN {PostgresTables.Channel}", connection))
            await listen.ExecuteNonQueryAsync(cancellation);
        for (; ; )
        {
            var now = await ReadAsync(connection, cancellation);
            var left = patience - time.GetElapsedTime(begun);
            if (now != seen || left <= TimeSpan.Zero)
                return now;
            await connection.WaitAsync(left < LookEvery ? left : LookEvery, cancellation);
        }
    }, cancellation);

    /// <summary>Makes empty tables go on behind <paramref name="head"/>.</summary>
    /// <returns>False when they are not empty.</returns>
    public Task<bool> ContinueAsync(long head, long epoch, CancellationToken cancellation) => AskAsync(async connection =>
    {
        await using var set = new NpgsqlCommand(Continue, connection) { Parameters = { new() { Value = head }, new() { Value = epoch } } };
        return await set.ExecuteScalarAsync(cancellation) is true;
    }, cancellation);

    /// <summary>Nobody leads here any more.</summary>
    public Task MarkMovedAsync(string to, long epoch, CancellationToken cancellation) => AskAsync(async connection =>
    {
        await using var mark = new NpgsqlCommand(Mark, connection) { Parameters = { new() { Value = to }, new() { Value = epoch } } };
        return await mark.ExecuteScalarAsync(cancellation) is not null
            ? true
            : throw new FencedException($"another manager took the lead in {place}; the state was not marked as moved");
    }, cancellation);

    /// <summary>What is said to whoever still looks here.</summary>
    public static StoreMovedException Moved(string to, string place) => new(
        to, $"the state has moved from PostgreSQL at {place} to {to}; set \"store\" in manager.json to that. What is here is old");

    private async Task<LeaderRecord> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var read = new NpgsqlCommand($"SELECT {Columns} FROM berth.leader", connection);
        await using var row = await read.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
            throw new InvalidDataException($"the table berth.leader in {place} is empty; restore the schema from a backup");
        if (!row.IsDBNull(4))
            throw Moved(row.GetString(4), place);
        return new LeaderRecord(row.GetInt64(0), row.IsDBNull(1) ? null : NodeId.Parse(row.GetString(1)), row.GetString(2), row.GetInt64(3));
    }

    private async Task<T> AskAsync<T>(Func<NpgsqlConnection, Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellation);
            return await ask(connection);
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException)
        {
            throw PostgresStore.Unavailable(place, error);
        }
    }
}
