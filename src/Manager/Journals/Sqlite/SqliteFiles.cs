using System.Globalization;
using Berth.Manager.Store;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>The store's SQLite files: making them, bringing them to this version's format, checking them.</summary>
internal static class SqliteFiles
{
    /// <summary>Commits, and the record of who leads.</summary>
    public const string JournalFile = "journal.db";

    /// <summary>Snapshots, which have a file of their own so that writing one does not lock the journal.</summary>
    public const string SnapshotFile = "snapshots.db";

    private const int SynchronousFull = 2;
    private const UnixFileMode OwnerOnlyDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>How to open <paramref name="file"/> in <paramref name="directory"/>.</summary>
    public static string ConnectionString(string directory, string file) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, file), DefaultTimeout = 30 }.ToString();

    /// <summary>Makes the directory and files that are missing, for their owner only, and checks that they can be used.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, of a newer version, lacks its fence, or would not be written durably.</exception>
    public static void Prepare(string directory)
    {
        Directory.CreateDirectory(directory, OwnerOnlyDirectory);
        Prepare(directory, SnapshotFile, SqliteTables.SnapshotTriggers, MigrateSnapshots);
        Prepare(directory, JournalFile, SqliteTables.JournalTriggers, (connection, version) => MigrateJournal(connection, version, directory));
    }

    /// <summary>The first column of the first row; null when there is none.</summary>
    public static object? Run(SqliteConnection connection, string sql, params (string Name, object? Value)[] parameters)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command.ExecuteScalar();
    }

    /// <summary>The number in the first column of the first row.</summary>
    public static long Number(SqliteConnection connection, string sql) =>
        Convert.ToInt64(Run(connection, sql) is { } value and not DBNull ? value : 0L, CultureInfo.InvariantCulture);

    private static void Prepare(
        string directory, string file, IReadOnlyDictionary<string, string> triggers, Action<SqliteConnection, long> migrate)
    {
        var path = Path.Combine(directory, file);
        if (!File.Exists(path))
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnlyFile }).Dispose();
        try
        {
            using var connection = new SqliteConnection(ConnectionString(directory, file));
            connection.Open();
            Prepare(connection, path, triggers, migrate);
        }
        catch (SqliteException error)
        {
            throw new InvalidDataException(
                $"'{path}' cannot be used: {error.Message}. Free space on its disk when it is full; when it is damaged, restore the directory from a backup", error);
        }
    }

    private static void Prepare(
        SqliteConnection connection, string path, IReadOnlyDictionary<string, string> triggers, Action<SqliteConnection, long> migrate)
    {
        Run(connection, "PRAGMA journal_mode = WAL");
        var version = Number(connection, "PRAGMA user_version");
        if (version > SqliteTables.Version)
            throw new InvalidDataException($"'{path}' has format {version}, this berth-manager knows {SqliteTables.Version}; start the version that wrote it, or a newer one");
        if (version < SqliteTables.Version)
        {
            // One transaction: a crash leaves the file in its old format, which the next start reads again.
            using var transaction = connection.BeginTransaction();
            migrate(connection, version);
            foreach (var trigger in triggers.Values)
                Run(connection, trigger);
            Run(connection, $"PRAGMA user_version = {SqliteTables.Version}");
            transaction.Commit();
        }
        Check(connection, path, triggers);
    }

    private static void Check(SqliteConnection connection, string path, IReadOnlyDictionary<string, string> triggers)
    {
        // Connections of the journal set no pragma of their own: what is the default here is what they get.
        var synchronous = Number(connection, "PRAGMA synchronous");
        if (synchronous != SynchronousFull)
            throw new InvalidDataException($"'{path}' would be written with synchronous={synchronous}; acknowledged writes need {SynchronousFull} (FULL), SQLite's own default");
        foreach (var (name, sql) in triggers)
        {
            if (Run(connection, "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = $name", ("$name", name)) as string != sql)
                throw new InvalidDataException($"'{path}' lacks its fence: the trigger {name} is missing or was changed. Without it two managers could write at once; restore the directory from a backup");
        }
        if (path.EndsWith(JournalFile, StringComparison.Ordinal) && Run(connection, "SELECT moved FROM leader") is string moved)
            throw SqliteLeader.Moved(moved, Path.GetDirectoryName(path)!);
    }

    private static void MigrateSnapshots(SqliteConnection connection, long version)
    {
        Run(connection, SqliteTables.FirstSnapshots);
        Run(connection, SqliteTables.SecondSnapshots);
    }

    private static void MigrateJournal(SqliteConnection connection, long version, string directory)
    {
        Run(connection, SqliteTables.FirstJournal);
        Run(connection, SqliteTables.SecondJournal);
        if (version == 0)
            return;
        using var snapshots = new SqliteConnection(ConnectionString(directory, SnapshotFile));
        snapshots.Open();
        var (epoch, head) = EarlierFormat.Read(connection, snapshots);
        Run(connection, "UPDATE leader SET epoch = $epoch, head = $head", ("$epoch", epoch), ("$head", head));
    }
}
