using Npgsql;

namespace Berth.Manager.Journals.Postgres;

/// <summary>Makes the tables, brings them to this version's format, and asserts that keys, fences and durability are there.</summary>
internal static class PostgresSchema
{
    private const string NewestFormat = "SELECT coalesce(max(version), 0) FROM berth.format";

    // Managers that start at the same time make the tables one after another.
    private const long MigrationLock = 0x6265727468;

    /// <summary>Ready to be used as the store.</summary>
    /// <param name="source">Opens connections.</param>
    /// <param name="place">For messages.</param>
    /// <param name="cancellation">Gives up; nothing is half done.</param>
    /// <exception cref="InvalidDataException">The server does not keep what it acknowledged, the tables are of a newer version or
    /// lack a fence, or the state has moved.</exception>
    public static async Task PrepareAsync(NpgsqlDataSource source, string place, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await AssertDurableAsync(connection, place, cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await RunAsync(connection, $"SELECT pg_advisory_xact_lock({MigrationLock})", cancellation);
        await MigrateAsync(connection, place, cancellation);
        await transaction.CommitAsync(cancellation);
        await AssertFencesAsync(connection, place, cancellation);
        if (await RunAsync(connection, "SELECT moved FROM berth.leader", cancellation) is string moved)
            throw PostgresLeader.Moved(moved, place);
    }

    private static async Task AssertDurableAsync(NpgsqlConnection connection, string place, CancellationToken cancellation)
    {
        foreach (var (setting, refused) in (ReadOnlySpan<(string, string)>)[("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")])
        {
            if (Setting(connection, setting) == refused)
                throw new InvalidDataException($"PostgreSQL at {place} runs with {setting}={refused}: it would lose what it acknowledged. Set it to on");
        }
        if (await RunAsync(connection, "SELECT pg_is_in_recovery()", cancellation) is true)
            throw new InvalidDataException($"PostgreSQL at {place} is a standby server, which takes no writes; name the primary, or all servers in Host=a,b");
    }

    private static string? Setting(NpgsqlConnection connection, string name)
    {
        using var command = new NpgsqlCommand($"SHOW {name}", connection);
        return command.ExecuteScalar() as string;
    }

    private static async Task MigrateAsync(NpgsqlConnection connection, string place, CancellationToken cancellation)
    {
        if (await RunAsync(connection, "SELECT to_regnamespace('berth')::text", cancellation) is not string)
            await RunAsync(connection, "CREATE SCHEMA berth", cancellation);
        if (await RunAsync(connection, "SELECT to_regclass('berth.format')::text", cancellation) is not string)
            await RunAsync(connection, "CREATE TABLE berth.format (version integer NOT NULL PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())", cancellation);
        var format = (int)(await RunAsync(connection, NewestFormat, cancellation))!;
        if (format > PostgresTables.Steps.Count)
            throw new InvalidDataException($"the tables in {place} have format {format}, this berth-manager knows {PostgresTables.Steps.Count}; start the version that wrote them, or a newer one");
        for (var step = format; step < PostgresTables.Steps.Count; step++)
        {
            await RunAsync(connection, PostgresTables.Steps[step], cancellation);
            await RunAsync(connection, $"INSERT INTO berth.format (version) VALUES ({step + 1})", cancellation);
        }
    }

    private static async Task AssertFencesAsync(NpgsqlConnection connection, string place, CancellationToken cancellation)
    {
        foreach (var (table, trigger, function, body) in PostgresTables.Fences)
        {
            var found = await RunAsync(connection, $"""
                SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid = 'berth.{table}'::regclass AND t.tgname = '{trigger}' AND t.tgenabled IN ('O', 'A') AND p.proname = '{function}'
                """, cancellation);
            if (found as string != body)
                throw new InvalidDataException($"the table berth.{table} in {place} lacks its fence: the trigger {trigger} is missing, off or changed. Without it two managers could write at once; restore the schema from a backup");
        }
        foreach (var key in PostgresTables.Keys)
        {
            if (await RunAsync(connection, $"SELECT 1 FROM pg_constraint WHERE connamespace = 'berth'::regnamespace AND conname = '{key}' AND contype = 'p'", cancellation) is null)
                throw new InvalidDataException($"the tables in {place} lack the key {key}: two managers could write the same row. Restore the schema from a backup");
        }
    }

    private static async Task<object?> RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellation) is { } value and not DBNull ? value : null;
    }
}
