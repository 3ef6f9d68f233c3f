namespace Berth.Manager.Journals.Sqlite;

/// <summary>The tables of the store's SQLite files, and the triggers that are their fence.</summary>
internal static class SqliteTables
{
    /// <summary>The format that this version writes; 1 was without a record of who leads.</summary>
    public const int Version = 2;

    // The columns are Akka.Persistence.Sql's. Made here and not by it: its own tables lack the unique key under some
    // settings, and that key is the fence's second line.
    private const string JournalRows = """
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

    private const string SnapshotRows = """
        CREATE TABLE IF NOT EXISTS snapshot (
          persistence_id NVarChar(255) NOT NULL,
          sequence_number INTEGER NOT NULL,
          created INTEGER NOT NULL,
          snapshot VarBinary NULL,
          manifest NVarChar(500) NULL,
          serializer_id INTEGER NULL,
          PRIMARY KEY (persistence_id, sequence_number));
        """;

    // The head is kept beside the epoch because rows are deleted: after a truncation no row would refuse an old leader.
    private const string Leader = """
        CREATE TABLE leader (
          id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
          epoch INTEGER NOT NULL,
          holder TEXT NULL,
          url TEXT NOT NULL,
          renewals INTEGER NOT NULL,
          head INTEGER NOT NULL,
          lineage TEXT NOT NULL,
          moved TEXT NULL);
        INSERT INTO leader (id, epoch, holder, url, renewals, head, lineage) VALUES (1, 0, NULL, '', 0, 0, lower(hex(randomblob(16))));
        """;

    // The snapshots' file has the epoch once more: a trigger sees its own file only. Whoever takes the lead changes both.
    private const string Guard = """
        CREATE TABLE guard (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL);
        INSERT INTO guard (id, epoch) VALUES (1, 0);
        """;

    private const string NotOurs = "another manager took the lead";

    /// <summary>Makes the journal's file what it was in format 1.</summary>
    public const string FirstJournal = JournalRows;

    /// <summary>Makes the snapshots' file what it was in format 1.</summary>
    public const string FirstSnapshots = SnapshotRows;

    /// <summary>What format 2 adds to the journal's file, but for its triggers.</summary>
    public const string SecondJournal = Leader;

    /// <summary>What format 2 adds to the snapshots' file, but for its triggers.</summary>
    public const string SecondSnapshots = Guard;

    /// <summary>The journal's triggers, by name.</summary>
    public static IReadOnlyDictionary<string, string> JournalTriggers { get; } = new Dictionary<string, string>
    {
        ["journal_append"] = $"""
            CREATE TRIGGER journal_append BEFORE INSERT ON journal BEGIN
              SELECT RAISE(ABORT, '{FenceErrors.Mark}{NotOurs}') WHERE NOT EXISTS (SELECT 1 FROM leader WHERE epoch > 0 AND epoch = {SqliteFence.Function}() AND moved IS NULL);
              SELECT RAISE(ABORT, '{FenceErrors.Mark}the write does not begin where the log ends') WHERE NEW.persistence_id <> 'cluster' OR NOT EXISTS (SELECT 1 FROM leader WHERE head = NEW.sequence_number - 1);
              UPDATE leader SET head = NEW.sequence_number;
            END
            """,
        ["journal_mark"] = Trigger("journal_mark", "UPDATE ON journal", "leader"),
        ["journal_truncate"] = Trigger("journal_truncate", "DELETE ON journal", "leader"),
    };

    /// <summary>The snapshots' triggers, by name.</summary>
    public static IReadOnlyDictionary<string, string> SnapshotTriggers { get; } = new Dictionary<string, string>
    {
        ["snapshot_write"] = Trigger("snapshot_write", "INSERT ON snapshot", "guard"),
        ["snapshot_change"] = Trigger("snapshot_change", "UPDATE ON snapshot", "guard"),
        ["snapshot_delete"] = Trigger("snapshot_delete", "DELETE ON snapshot", "guard"),
    };

    private static string Trigger(string name, string on, string table) => $"""
        CREATE TRIGGER {name} BEFORE {on} BEGIN
          SELECT RAISE(ABORT, '{FenceErrors.Mark}{NotOurs}') WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE epoch > 0 AND epoch = {SqliteFence.Function}(){(table == "leader" ? " AND moved IS NULL" : "")});
        END
        """;
}
