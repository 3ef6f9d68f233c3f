namespace Berth.Manager.Journals.Postgres;

/// <summary>The tables of the store in PostgreSQL, in numbered steps, and the triggers that are their fence.</summary>
internal static class PostgresTables
{
    /// <summary>The schema that holds everything.</summary>
    public const string Schema = "berth";

    /// <summary>The channel on which a changed leader is told.</summary>
    public const string Channel = "berth_leader";

    private const string Mine = "coalesce(nullif(current_setting('berth.epoch', true), ''), '0')::bigint";

    // Both run in the write's own transaction. The lock makes a takeover wait for writes that have begun; a write that waited
    // for a takeover looks again and finds another epoch.
    private const string MayAppend = $"""

        BEGIN
          PERFORM 1 FROM berth.leader WHERE epoch > 0 AND epoch = {Mine} AND moved IS NULL FOR NO KEY UPDATE;
          IF NOT FOUND THEN
            RAISE EXCEPTION '{FenceErrors.Mark}another manager took the lead';
          END IF;
          RETURN NULL;
        END
        """;

    // The head is kept beside the epoch because rows are deleted: after a truncation no row would refuse an old leader.
    private const string Continues = $"""

        DECLARE
          head_before bigint;
          head_after bigint;
          many bigint;
        BEGIN
          SELECT min(sequence_number) - 1, max(sequence_number), count(*) INTO head_before, head_after, many FROM written;
          IF many = 0 THEN
            RETURN NULL;
          END IF;
          UPDATE berth.leader SET head = head_after
            WHERE epoch > 0 AND epoch = {Mine} AND moved IS NULL AND head = head_before AND head_after - head_before = many
            AND NOT EXISTS (SELECT 1 FROM written WHERE persistence_id <> 'cluster');
          IF NOT FOUND THEN
            RAISE EXCEPTION '{FenceErrors.Mark}the write does not begin where the log ends';
          END IF;
          RETURN NULL;
        END
        """;

    // A row of its own, so that appends do not wait for a truncation or a snapshot; a takeover waits for all of them.
    private const string MayKeep = $"""

        BEGIN
          PERFORM 1 FROM berth.guard WHERE epoch > 0 AND epoch = {Mine} FOR SHARE;
          IF NOT FOUND THEN
            RAISE EXCEPTION '{FenceErrors.Mark}another manager took the lead';
          END IF;
          RETURN NULL;
        END
        """;

    // The columns of journal and snapshot are Akka.Persistence.Sql's; the keys are ours. What is stored is sealed: there is
    // nothing to compress.
    private const string First = $"""
        CREATE TABLE berth.leader (
          id smallint NOT NULL PRIMARY KEY DEFAULT 1 CHECK (id = 1),
          epoch bigint NOT NULL,
          holder text NULL,
          url text NOT NULL,
          renewals bigint NOT NULL,
          head bigint NOT NULL,
          lineage text NOT NULL,
          moved text NULL) WITH (fillfactor = 20);
        INSERT INTO berth.leader (epoch, url, renewals, head, lineage) VALUES (0, '', 0, 0, replace(gen_random_uuid()::text, '-', ''));
        CREATE TABLE berth.guard (id smallint NOT NULL PRIMARY KEY DEFAULT 1 CHECK (id = 1), epoch bigint NOT NULL);
        INSERT INTO berth.guard (epoch) VALUES (0);
        CREATE TABLE berth.journal (
          ordering bigint GENERATED ALWAYS AS IDENTITY,
          created bigint NOT NULL,
          deleted boolean NOT NULL,
          persistence_id varchar(255) NOT NULL,
          sequence_number bigint NOT NULL,
          message bytea NOT NULL,
          tags varchar(100) NULL,
          manifest varchar(500) NULL,
          identifier integer NULL,
          writer_uuid varchar(128) NULL,
          CONSTRAINT journal_key PRIMARY KEY (persistence_id, sequence_number));
        ALTER TABLE berth.journal ALTER COLUMN message SET STORAGE EXTERNAL;
        CREATE TABLE berth.snapshot (
          persistence_id varchar(255) NOT NULL,
          sequence_number bigint NOT NULL,
          created bigint NOT NULL,
          snapshot bytea NULL,
          manifest varchar(500) NULL,
          serializer_id integer NULL,
          CONSTRAINT snapshot_key PRIMARY KEY (persistence_id, sequence_number));
        ALTER TABLE berth.snapshot ALTER COLUMN snapshot SET STORAGE EXTERNAL;
        CREATE FUNCTION berth.may_append() RETURNS trigger LANGUAGE plpgsql AS $berth${MayAppend}$berth$;
        CREATE FUNCTION berth.continues() RETURNS trigger LANGUAGE plpgsql AS $berth${Continues}$berth$;
        CREATE FUNCTION berth.may_keep() RETURNS trigger LANGUAGE plpgsql AS $berth${MayKeep}$berth$;
        CREATE TRIGGER journal_may BEFORE INSERT ON berth.journal FOR EACH STATEMENT EXECUTE FUNCTION berth.may_append();
        CREATE TRIGGER journal_continues AFTER INSERT ON berth.journal REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION berth.continues();
        CREATE TRIGGER journal_truncate BEFORE UPDATE OR DELETE OR TRUNCATE ON berth.journal FOR EACH STATEMENT EXECUTE FUNCTION berth.may_keep();
        CREATE TRIGGER snapshot_keep BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON berth.snapshot FOR EACH STATEMENT EXECUTE FUNCTION berth.may_keep();
        """;

    /// <summary>Step n brings the tables from format n - 1 to n. Steps that were released are never changed.</summary>
    public static IReadOnlyList<string> Steps { get; } = [First];

    /// <summary>Which trigger must be on which table, and what its function must be.</summary>
    public static IReadOnlyList<(string Table, string Trigger, string Function, string Body)> Fences { get; } =
    [
        ("journal", "journal_may", "may_append", MayAppend),
        ("journal", "journal_continues", "continues", Continues),
        ("journal", "journal_truncate", "may_keep", MayKeep),
        ("snapshot", "snapshot_keep", "may_keep", MayKeep),
    ];

    /// <summary>Keys that must be there: the fence's second line.</summary>
    public static IReadOnlyList<string> Keys { get; } = ["journal_key", "snapshot_key", "leader_pkey", "guard_pkey"];
}
