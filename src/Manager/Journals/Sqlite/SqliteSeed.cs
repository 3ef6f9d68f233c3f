using Berth.Manager.Store;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>Makes the SQLite files of a store that begins with a snapshot: a state from elsewhere.</summary>
internal static class SqliteSeed
{
    /// <summary>Makes the files in <paramref name="directory"/>, which has none.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="head">The index of the state: the log goes on after it.</param>
    /// <param name="epoch">The term the state is of; whoever starts the store leads in a later one.</param>
    /// <param name="rows">The snapshot's rows, the header last.</param>
    /// <exception cref="InvalidDataException">There is a store already.</exception>
    public static void Write(string directory, long head, long epoch, IEnumerable<SeedRow> rows)
    {
        if (File.Exists(Path.Combine(directory, SqliteFiles.JournalFile)) || File.Exists(Path.Combine(directory, SqliteFiles.SnapshotFile)))
            throw new InvalidDataException($"'{directory}' holds a manager's state already; choose an empty directory, or move that one away");
        SqliteFiles.Prepare(directory);
        using (var snapshots = Open(directory, SqliteFiles.SnapshotFile, epoch))
        {
            using var transaction = snapshots.BeginTransaction();
            SqliteFiles.Run(snapshots, "UPDATE guard SET epoch = $epoch", ("$epoch", epoch));
            foreach (var row in rows)
            {
                SqliteFiles.Run(
                    snapshots,
                    "INSERT INTO snapshot (persistence_id, sequence_number, created, snapshot, manifest, serializer_id) VALUES ($id, $number, $created, $row, $manifest, $serializer)",
                    ("$id", row.Id), ("$number", row.Number), ("$created", row.CreatedTicks), ("$row", row.Bytes), ("$manifest", row.Manifest), ("$serializer", row.Serializer));
            }
            transaction.Commit();
        }
        // The journal says last how far the log goes: until then the store is an empty one.
        using var journal = Open(directory, SqliteFiles.JournalFile, epoch);
        SqliteFiles.Run(journal, "UPDATE leader SET epoch = $epoch, head = $head", ("$epoch", epoch), ("$head", head));
    }

    private static SqliteConnection Open(string directory, string file, long epoch)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, file), Pooling = false }.ToString());
        connection.Open();
        connection.CreateFunction(SqliteFence.Function, () => epoch);
        return connection;
    }
}
