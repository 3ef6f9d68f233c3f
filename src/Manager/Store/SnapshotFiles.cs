using Akka.Actor;
using Akka.Persistence;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>Writes and reads snapshots chunk by chunk beside the store actor, so that commits never wait for one.</summary>
/// <remarks>Chunks have a run of numbers of their own that never ends; a header, written last, names those of its
/// snapshot. A crash in between leaves the earlier header and its chunks, which are deleted only afterwards.</remarks>
internal sealed class SnapshotFiles(ActorSystem system, string? pluginId, int chunkBytes, TimeProvider time)
{
    internal const string ChunksId = StoreActor.JournalId + "-chunks";

    // One chunk of a MiB takes milliseconds; a disk that needs longer than this is as good as broken.
    private static readonly TimeSpan ChunkTimeout = TimeSpan.FromMinutes(1);

    private readonly IActorRef _files = Persistence.Instance.Apply(system).SnapshotStoreFor(pluginId);

    /// <summary>Writes <paramref name="state"/>, which holds everything up to <paramref name="sequenceNr"/>.</summary>
    /// <param name="state">What to keep.</param>
    /// <param name="sequenceNr">The journal's number of the newest commit in it.</param>
    /// <param name="firstChunk">The first number that no chunk has yet.</param>
    /// <param name="cancellation">Gives up; the earlier snapshot stays.</param>
    /// <returns>The next number that no chunk has yet.</returns>
    public async Task<long> SaveAsync(ClusterState state, long sequenceNr, long firstChunk, CancellationToken cancellation)
    {
        var next = firstChunk;
        foreach (var chunk in Snapshots.Split(state, chunkBytes))
            await SaveAsync(ChunksId, next++, chunk, cancellation);
        await SaveAsync(StoreActor.JournalId, sequenceNr, Snapshots.Header(state, firstChunk, (int)(next - firstChunk)), cancellation);
        await DeleteAsync(StoreActor.JournalId, sequenceNr - 1, cancellation);
        await DeleteAsync(ChunksId, firstChunk - 1, cancellation);
        return next;
    }

    /// <summary>Reads the snapshot that <paramref name="header"/> names.</summary>
    /// <exception cref="InvalidDataException">A chunk is missing.</exception>
    public async Task<ClusterState> LoadAsync(V1.SnapshotHeader header, CancellationToken cancellation)
    {
        var chunks = new List<V1.SnapshotChunk>();
        for (var number = header.FirstChunk; number < header.FirstChunk + header.Chunks; number++)
        {
            var wanted = new SnapshotSelectionCriteria(number, DateTime.MaxValue, number, null);
            var answer = await _files.Ask<object>(new LoadSnapshot(ChunksId, wanted, number), ChunkTimeout, cancellation);
            chunks.Add(answer switch
            {
                LoadSnapshotResult { Snapshot.Snapshot: V1.SnapshotChunk chunk } => chunk,
                LoadSnapshotFailed failed => throw new InvalidDataException($"chunk {number} of the snapshot at index {header.Index} cannot be read", failed.Cause),
                _ => throw new InvalidDataException($"chunk {number} of the snapshot at index {header.Index} is missing"),
            });
        }
        return Snapshots.Join(header, chunks);
    }

    private async Task SaveAsync(string id, long number, object part, CancellationToken cancellation)
    {
        var metadata = new SnapshotMetadata(id, number, time.GetUtcNow().UtcDateTime);
        if (await _files.Ask<object>(new SaveSnapshot(metadata, part), ChunkTimeout, cancellation) is SaveSnapshotFailure failure)
            throw new IOException($"part {number} of a snapshot cannot be written: {failure.Cause.Message}", failure.Cause);
    }

    private async Task DeleteAsync(string id, long upTo, CancellationToken cancellation)
    {
        if (await _files.Ask<object>(new DeleteSnapshots(id, new SnapshotSelectionCriteria(upTo)), ChunkTimeout, cancellation) is DeleteSnapshotsFailure failure)
            throw new IOException($"an earlier snapshot cannot be deleted: {failure.Cause.Message}", failure.Cause);
    }
}
