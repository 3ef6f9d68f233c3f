using Berth.Manager.Keys;

namespace Berth.Manager.Store;

/// <summary>Where the store keeps its files, and when it makes snapshots.</summary>
public sealed record StoreOptions
{
    /// <summary>Data directory; made with mode 0700.</summary>
    public required string Directory { get; init; }

    /// <summary>What rows are sealed under; null: the keys in <see cref="Directory"/>, made when there are none.</summary>
    public RowKeys? Keys { get; init; }

    /// <summary>Commits between snapshots.</summary>
    public int SnapshotCommits { get; init; } = 5_000;

    /// <summary>Changes between snapshots: about 10 MB of journal.</summary>
    public int SnapshotChanges { get; init; } = 250_000;

    /// <summary>A chunk of a snapshot is closed once it is larger, bytes.</summary>
    public int ChunkBytes { get; init; } = 1 << 20;
}

/// <summary>Ends the process when the store cannot go on: what it has not written is not acknowledged, and a manager that
/// cannot write must not look as if it could.</summary>
public interface IStoreFailure
{
    /// <summary>Says why on stderr and ends the process with a non-zero code.</summary>
    /// <param name="message">What failed, why, and what to do.</param>
    /// <param name="cause">What was caught; null when nothing was.</param>
    void Stop(string message, Exception? cause);

    /// <summary>Says why on stderr and ends the process in a way its supervisor answers with a new one, which follows: another
    /// manager leads now.</summary>
    /// <param name="message">How it was noticed.</param>
    void LoseLead(string message);
}
