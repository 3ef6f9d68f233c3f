using Berth.Bench.Measure;
using Berth.Manager.Journals.Postgres;
using Berth.Manager.Store;
using Npgsql;
using NpgsqlTypes;
using Command = Berth.Bench.Measure.Command;

namespace Berth.Bench.Subjects;

/// <summary>A PostgreSQL server of its own on this machine's disk, spoken to over its socket.</summary>
public sealed class PostgresSubject : IStoreSubject
{
    private readonly string _home;
    private readonly string _programs;
    private readonly NpgsqlConnection _direct;
    private readonly NpgsqlCommand _insert;

    private PostgresSubject(string home, string programs, NpgsqlConnection direct, NpgsqlCommand insert) =>
        (_home, _programs, _direct, _insert) = (home, programs, direct, insert);

    /// <inheritdoc/>
    public string Name => "postgres";

    /// <summary>Makes and starts one; null when PostgreSQL is not installed.</summary>
    public static async Task<PostgresSubject?> StartAsync()
    {
        var programs = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Order().Last() + "/bin" : null;
        if (programs is null)
            return null;
        var home = Directory.CreateTempSubdirectory("berth-bench-postgres-").FullName;
        await Command.RunAsync("chown", "postgres", home);
        await Command.RunAsync("runuser", "-u", "postgres", "--", $"{programs}/initdb", "-D", $"{home}/data", "-U", "berth", "-A", "trust", "-E", "UTF8", "--locale=C");
        await File.AppendAllTextAsync($"{home}/data/postgresql.conf", $"listen_addresses = ''\nunix_socket_directories = '{home}'\nmax_wal_size = 2GB\n");
        await Command.RunAsync("sh", "-c", $"cd /; runuser -u postgres -- {programs}/pg_ctl -D {home}/data -l {home}/log -w start >/dev/null 2>&1 </dev/null");
        var direct = new NpgsqlConnection($"{Connection(home)};Pooling=false");
        await direct.OpenAsync();
        await using (var create = new NpgsqlCommand("CREATE TABLE rows (id bigint PRIMARY KEY, data bytea NOT NULL)", direct))
            await create.ExecuteNonQueryAsync();
        var insert = new NpgsqlCommand("INSERT INTO rows SELECT * FROM unnest($1, $2)", direct)
        {
            Parameters = { new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint }, new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea } },
        };
        await insert.PrepareAsync();
        return new PostgresSubject(home, programs, direct, insert);
    }

    /// <inheritdoc/>
    public IStoreBackend Open(LeaderTerm term) => new PostgresStore(PostgresAddress.Parse(Connection(_home)), term, TimeProvider.System);

    /// <inheritdoc/>
    public async Task WriteDirectlyAsync(long first, byte[][] rows)
    {
        _insert.Parameters[0].Value = Enumerable.Range(0, rows.Length).Select(offset => first + offset).ToArray();
        _insert.Parameters[1].Value = rows;
        await _insert.ExecuteNonQueryAsync();
    }

    /// <inheritdoc/>
    public async Task<bool> UnfenceAsync()
    {
        await using var alter = new NpgsqlCommand($"ALTER TABLE berth.journal DISABLE TRIGGER USER", _direct);
        await alter.ExecuteNonQueryAsync();
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _insert.DisposeAsync();
        await _direct.DisposeAsync();
        await Command.TryRunAsync("runuser", "-u", "postgres", "--", $"{_programs}/pg_ctl", "-D", $"{_home}/data", "-m", "immediate", "-w", "stop");
        Directory.Delete(_home, recursive: true);
    }

    private static string Connection(string home) => $"Host={home};Database=postgres;Username=berth";
}
