using Berth.Manager.Keys;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>A row of a snapshot, as a store keeps it.</summary>
/// <param name="Id">Whose: the header's or the chunks' persistence id.</param>
/// <param name="Number">Its sequence number.</param>
/// <param name="CreatedTicks">When it was made, UTC ticks.</param>
/// <param name="Bytes">The sealed row.</param>
/// <param name="Manifest">What kind of row.</param>
/// <param name="Serializer">Who reads it.</param>
internal sealed record SeedRow(string Id, long Number, long CreatedTicks, byte[] Bytes, string Manifest, int Serializer)
{
    /// <summary>The rows of a snapshot, its header last.</summary>
    /// <param name="header">Of the state; its chunks are numbered anew.</param>
    /// <param name="chunks">Its chunks.</param>
    /// <param name="keys">What the rows are sealed under.</param>
    /// <param name="now">When the snapshot is made.</param>
    public static IEnumerable<SeedRow> Of(V1.SnapshotHeader header, IReadOnlyCollection<V1.SnapshotChunk> chunks, RowKeys keys, DateTimeOffset now)
    {
        var number = 0;
        foreach (var chunk in chunks)
            yield return Of(SnapshotFiles.ChunksId, ++number, now, chunk, keys);
        var own = header.Clone();
        (own.FirstChunk, own.Chunks) = (1, chunks.Count);
        yield return Of(StoreActor.JournalId, own.Index, now, own, keys);
    }

    private static SeedRow Of(string id, long number, DateTimeOffset now, object row, RowKeys keys)
    {
        var (manifest, bytes) = ClusterSerializer.Seal(row, keys);
        return new SeedRow(id, number, now.UtcTicks, bytes, manifest, ClusterSerializer.Number);
    }
}
