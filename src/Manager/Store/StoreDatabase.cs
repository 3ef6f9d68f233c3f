using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Store;

/// <summary>The store's SQLite files.</summary>
internal static class StoreDatabase
{
    /// <summary>Commits.</summary>
    public const string JournalFile = "journal.db";

    /// <summary>Snapshots, which have a file of their own so that writing one does not lock the journal.</summary>
    public const string SnapshotFile = "snapshots.db";

    private const int SchemaVersion = 1;
    private const int SynchronousFull = 2;
    private const UnixFileMode OwnerOnlyDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // The columns are Akka.Persistence.Sql's. Made here and not by it: its own tables lack the unique key under some
    // settings, and that key is what refuses a second writer.
    private const string JournalTables = """
        CREATE TABLE IF NOT EXISTS journal (
          ordering INTEGER NOT NULL PRIMARY KEY,
          created INTEGER NOT NULL,
          deleted Bit NOT NULL,
          persistence_id NVarChar(255) NOT NULL,
          sequence_number INTEGER NOT NULL,
          message VarBinary NOT NULL,
          tags NVarChar(100) NULL,
          manifest NVarChar(500) NULL,
          identifier INTEGER NULL,
          writer_uuid NVarChar(128) NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS journal_uq ON journal (persistence_id, sequence_number);
        """;

    private const string SnapshotTables = """
        CREATE TABLE IF NOT EXISTS snapshot (
          persistence_id NVarChar(255) NOT NULL,
          sequence_number INTEGER NOT NULL,
          created INTEGER NOT NULL,
          snapshot VarBinary NULL,
          manifest NVarChar(500) NULL,
          serializer_id INTEGER NULL,
          PRIMARY KEY (persistence_id, sequence_number));
        """;

    /// <summary>How to open <paramref name="file"/> in <paramref name="directory"/>.</summary>
    public static string ConnectionString(string directory, string file) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, file), DefaultTimeout = 30 }.ToString();

    /// <summary>Makes the directory and files that are missing, for their owner only, and checks that they can be used.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, of a newer version, or would not be written durably.</exception>
    public static void Prepare(string directory)
    {
        Directory.CreateDirectory(directory, OwnerOnlyDirectory);
        Prepare(directory, JournalFile, JournalTables);
        Prepare(directory, SnapshotFile, SnapshotTables);
    }

    private static void Prepare(string directory, string file, string tables)
    {
        var path = Path.Combine(directory, file);
        if (!File.Exists(path))
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnlyFile }).Dispose();
        try
        {
            using var connection = new SqliteConnection(ConnectionString(directory, file));
            connection.Open();
            Prepare(connection, path, tables);
        }
        catch (SqliteException error)
        {
            throw new InvalidDataException(
                $"'{path}' cannot be used: {error.Message}. Free space on its disk when it is full; when it is damaged, restore the directory from a backup", error);
        }
    }

    private static void Prepare(SqliteConnection connection, string path, string tables)
    {
        Run(connection, "PRAGMA journal_mode = WAL");
        var version = Number(connection, "PRAGMA user_version");
        if (version > SchemaVersion)
            throw new InvalidDataException($"'{path}' has format {version}, this berth-manager knows {SchemaVersion}; start the version that wrote it, or a newer one");
        Run(connection, tables);
        Run(connection, $"PRAGMA user_version = {SchemaVersion}");

        // Connections of the journal set no pragma of their own: what is the default here is what they get.
        var synchronous = Number(connection, "PRAGMA synchronous");
        if (synchronous != SynchronousFull)
            throw new InvalidDataException($"'{path}' would be written with synchronous={synchronous}; acknowledged writes need {SynchronousFull} (FULL), SQLite's own default");
    }

    private static long Number(SqliteConnection connection, string sql) =>
        Convert.ToInt64(Run(connection, sql), CultureInfo.InvariantCulture);

    private static object? Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
