using Berth.Protocol.V1;
using Microsoft.Data.Sqlite;

namespace Berth.Manager.Journals.Sqlite;

/// <summary>Finds in files of format 1, which kept no record of who leads, what belongs into it.</summary>
internal static class EarlierFormat
{
    private const string CommitRow = "commit/1";
    private const string HeaderRow = "snapshot/1";

    /// <summary>The last term, and the number of the last row that was written; 0 when there was none.</summary>
    public static (long Epoch, long Head) Read(SqliteConnection journal, SqliteConnection snapshots)
    {
        var written = SqliteFiles.Number(journal, "SELECT max(sequence_number) FROM journal WHERE persistence_id = 'cluster'");
        var kept = SqliteFiles.Number(snapshots, "SELECT max(sequence_number) FROM snapshot WHERE persistence_id = 'cluster'");
        return (Math.Max(NewestElection(journal), NewestHeader(snapshots)), Math.Max(written, kept));
    }

    // Every start wrote one; from the newest row backwards it is soon met.
    private static long NewestElection(SqliteConnection journal)
    {
        using var command = journal.CreateCommand();
        command.CommandText = $"SELECT message FROM journal WHERE persistence_id = 'cluster' AND manifest = '{CommitRow}' AND NOT deleted ORDER BY sequence_number DESC";
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var elected = JournalCommit.Parser.ParseFrom((byte[])rows.GetValue(0)).Changes.LastOrDefault(change => change.HasLeaderElected);
            if (elected is not null)
                return elected.LeaderElected;
        }
        return 0;
    }

    private static long NewestHeader(SqliteConnection snapshots) =>
        SqliteFiles.Run(snapshots, $"SELECT snapshot FROM snapshot WHERE persistence_id = 'cluster' AND manifest = '{HeaderRow}' ORDER BY sequence_number DESC LIMIT 1") is byte[] header
            ? SnapshotHeader.Parser.ParseFrom(header).Epoch
            : 0;
}
