using System.Collections.Immutable;
using Google.Protobuf;

namespace Berth.Manager.Journals.Etcd;

/// <summary>One commit as it is written: rows that are there together or not at all.</summary>
/// <param name="First">Sequence number of the first.</param>
/// <param name="Rows">In order, without a gap.</param>
internal sealed record EtcdCommit(long First, ImmutableArray<ByteString> Rows)
{
    /// <summary>Sequence number of the last.</summary>
    public long Last => First + Rows.Length - 1;

    /// <summary>How large it is.</summary>
    public long Bytes => Rows.Sum(row => (long)row.Length);
}

/// <summary>Commits that are written in one transaction.</summary>
internal sealed record EtcdBatch(ImmutableArray<EtcdCommit> Commits)
{
    /// <summary>Sequence number of the first row.</summary>
    public long First => Commits[0].First;

    /// <summary>Sequence number of the last row.</summary>
    public long Last => Commits[^1].Last;

    /// <summary>The last row.</summary>
    public ByteString LastRow => Commits[^1].Rows[^1];

    /// <summary>Every row with its number.</summary>
    public IEnumerable<(long Number, ByteString Row)> Rows =>
        Commits.SelectMany(commit => commit.Rows.Select((row, place) => (commit.First + place, row)));
}

/// <summary>Divides commits among transactions.</summary>
internal static class EtcdBatches
{
    /// <summary>As few transactions as the limits allow, in order. A commit is never divided: one that is larger than a limit has
    /// a transaction of its own.</summary>
    /// <param name="commits">Without a gap between them.</param>
    /// <param name="maxBytes">A transaction that holds more than one commit is no larger.</param>
    /// <param name="maxRows">Nor has it more rows.</param>
    public static IEnumerable<EtcdBatch> Divide(IEnumerable<EtcdCommit> commits, long maxBytes, int maxRows)
    {
        var batch = ImmutableArray.CreateBuilder<EtcdCommit>();
        var (bytes, rows) = (0L, 0);
        foreach (var commit in commits)
        {
            if (batch.Count > 0 && (bytes + commit.Bytes > maxBytes || rows + commit.Rows.Length > maxRows))
            {
                yield return new EtcdBatch(batch.DrainToImmutable());
                (bytes, rows) = (0, 0);
            }
            batch.Add(commit);
            bytes += commit.Bytes;
            rows += commit.Rows.Length;
        }
        if (batch.Count > 0)
            yield return new EtcdBatch(batch.DrainToImmutable());
    }
}
