using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>Puts a state together from what recovery offers: a snapshot, or the state a standby holds, and the rows after it.</summary>
internal sealed class JournalReading
{
    private readonly List<Commit> _behindSnapshot = [];
    private ClusterState _state = ClusterState.Empty;
    private V1.SnapshotHeader? _header;

    /// <summary>The first number that no snapshot's chunk has yet.</summary>
    public long NextChunk { get; private set; } = 1;

    /// <summary>Commits that were replayed, and the changes in them.</summary>
    public (int Commits, int Changes) Replayed { get; private set; }

    /// <summary>Recovery offers a snapshot.</summary>
    public void Offer(object snapshot)
    {
        var held = snapshot as HeldState;
        var newest = held is null ? (V1.SnapshotHeader)snapshot : held.Header;
        NextChunk = newest is null ? 1 : newest.FirstChunk + newest.Chunks;
        if (held is null)
            _header = newest;
        else
            _state = held.State;
    }

    /// <summary>Recovery replays a row. With a snapshot, its chunks are read only after the replay; until then the few commits
    /// since are kept aside.</summary>
    /// <exception cref="InvalidDataException">It does not follow from what came before.</exception>
    public void Replay(Commit commit, long sequenceNr)
    {
        if (commit.Index != sequenceNr)
            throw new InvalidDataException($"row {sequenceNr} of the journal holds commit {commit.Index}");
        Replayed = (Replayed.Commits + 1, Replayed.Changes + commit.Changes.Length);
        if (_header is null)
            _state = Next(_state, commit);
        else
            _behindSnapshot.Add(commit);
    }

    /// <summary>The state, once recovery is over.</summary>
    /// <exception cref="InvalidDataException">A chunk of the snapshot is missing, or rows are.</exception>
    public async Task<ClusterState> FinishAsync(SnapshotFiles files, CancellationToken cancellation)
    {
        if (_header is not { } header)
            return _state;
        var snapshot = await files.LoadAsync(header, cancellation);
        return _behindSnapshot.Aggregate(snapshot, Next);
    }

    private static ClusterState Next(ClusterState state, Commit commit) => commit.Index == state.Index + 1
        ? state.Apply(commit)
        : throw new InvalidDataException($"commit {commit.Index} follows commit {state.Index} in the journal; what is between them is missing");
}
