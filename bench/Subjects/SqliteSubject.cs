using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Store;
using Microsoft.Data.Sqlite;

namespace Berth.Bench.Subjects;

/// <summary>SQLite files on this machine's disk.</summary>
public sealed class SqliteSubject : IStoreSubject
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-bench-sqlite-").FullName;
    private readonly SqliteConnection _direct;
    private readonly SqliteCommand _insert;

    public SqliteSubject()
    {
        _direct = new SqliteConnection($"Data Source={_directory}/direct.db;Pooling=false");
        _direct.Open();
        Run(_direct, "PRAGMA journal_mode = WAL; CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB NOT NULL)");
        _insert = _direct.CreateCommand();
        _insert.CommandText = "INSERT INTO rows VALUES ($id, $data)";
        _insert.Parameters.Add("$id", SqliteType.Integer);
        _insert.Parameters.Add("$data", SqliteType.Blob);
        _insert.Prepare();
    }

    /// <inheritdoc/>
    public string Name => "sqlite";

    /// <inheritdoc/>
    public IStoreBackend Open(LeaderTerm term) => new SqliteStore(Path.Combine(_directory, "store"), term, TimeProvider.System);

    /// <inheritdoc/>
    public Task WriteDirectlyAsync(long first, byte[][] rows)
    {
        using var transaction = _direct.BeginTransaction();
        _insert.Transaction = transaction;
        foreach (var row in rows)
        {
            _insert.Parameters[0].Value = first++;
            _insert.Parameters[1].Value = row;
            _insert.ExecuteNonQuery();
        }
        transaction.Commit();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> UnfenceAsync()
    {
        using var connection = new SqliteConnection($"Data Source={_directory}/store/journal.db;Pooling=false");
        connection.Open();
        Run(connection, "DROP TRIGGER journal_append");
        return Task.FromResult(true);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _insert.DisposeAsync();
        await _direct.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
