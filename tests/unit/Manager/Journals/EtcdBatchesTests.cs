using Berth.Manager.Journals.Etcd;
using CsCheck;
using Google.Protobuf;

namespace Berth.Tests.Manager.Journals;

/// <summary>Commits are divided among transactions in order, whole, and as few as the limits allow.</summary>
public sealed class EtcdBatchesTests
{
    private static readonly Gen<List<EtcdCommit>> Commits = Gen.Select(Gen.Long[1, 1000], Gen.Int[1, 60].Array[1, 4].List[0, 40], (first, sizes) =>
    {
        var next = first;
        var commits = new List<EtcdCommit>();
        foreach (var rows in sizes)
        {
            commits.Add(new EtcdCommit(next, [.. rows.Select(size => ByteString.CopyFrom(new byte[size]))]));
            next += rows.Length;
        }
        return commits;
    });

    [Fact]
    public void Every_commit_is_written_once_whole_and_in_order() => Gen.Select(Commits, Gen.Int[1, 200], Gen.Int[1, 10]).Sample((commits, bytes, rows) =>
        Assert.Equal(commits, EtcdBatches.Divide(commits, bytes, rows).SelectMany(batch => batch.Commits)));

    [Fact]
    public void Only_a_commit_that_is_too_large_by_itself_exceeds_a_limit() => Gen.Select(Commits, Gen.Int[1, 200], Gen.Int[1, 10]).Sample((commits, bytes, rows) =>
        Assert.All(EtcdBatches.Divide(commits, bytes, rows), batch => Assert.True(
            batch.Commits.Length == 1 || (batch.Commits.Sum(commit => commit.Bytes) <= bytes && batch.Rows.Count() <= rows))));

    [Fact]
    public void No_two_neighbours_would_fit_into_one_transaction() => Gen.Select(Commits, Gen.Int[1, 200], Gen.Int[1, 10]).Sample((commits, bytes, rows) =>
    {
        var batches = EtcdBatches.Divide(commits, bytes, rows).ToList();
        for (var next = 1; next < batches.Count; next++)
        {
            var (batch, follower) = (batches[next - 1], batches[next].Commits[0]);
            Assert.True(batch.Commits.Sum(commit => commit.Bytes) + follower.Bytes > bytes || batch.Rows.Count() + follower.Rows.Length > rows);
        }
    });

    [Fact]
    public void Rows_are_numbered_without_a_gap() => Commits.Sample(commits =>
    {
        foreach (var batch in EtcdBatches.Divide(commits, 100, 5))
        {
            Assert.Equal(Enumerable.Range(0, batch.Rows.Count()).Select(offset => batch.First + offset), batch.Rows.Select(row => row.Number));
            Assert.Equal((batch.Last, batch.LastRow), batch.Rows.Last());
        }
    });
}
