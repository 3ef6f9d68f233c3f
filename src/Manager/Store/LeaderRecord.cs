using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Who leads, as the store keeps it: one record, changed only by compare-and-set.</summary>
/// <param name="Epoch">The leadership term: grows by one each time a manager takes the lead; 0 before the first.</param>
/// <param name="Holder">The leading manager's node id; null when the last one let go.</param>
/// <param name="Url">Where the holder answers other managers, <c>https://ADDRESS:PORT</c>; empty for a manager that is alone.</param>
/// <param name="Renewals">Grows with each sign of life within the term.</param>
public sealed record LeaderRecord(long Epoch, NodeId? Holder, string Url, long Renewals)
{
    /// <summary>Nobody has ever led.</summary>
    public static LeaderRecord None { get; } = new(0, null, "", 0);
}

/// <summary>The record of leadership in a store. It decides alone who leads; see docs/decisions/0011-store-decides.md.</summary>
/// <remarks>Every commit, snapshot and truncation is fenced by <see cref="LeaderRecord.Epoch"/> in the store's own transaction:
/// whoever takes the record makes every earlier leader's writes fail from that moment on, whatever its clock says.</remarks>
public interface ILeaderRecord
{
    /// <summary>The record as it is now, read linearizably.</summary>
    Task<LeaderRecord> ReadAsync(CancellationToken cancellation);

    /// <summary>Takes the lead if the record still is <paramref name="seen"/>, renewals included.</summary>
    /// <returns>The new term's record, or null when the record had changed.</returns>
    Task<LeaderRecord?> TryTakeAsync(LeaderRecord seen, NodeId me, string url, CancellationToken cancellation);

    /// <summary>A sign of life.</summary>
    /// <returns>False: somebody else leads now.</returns>
    Task<bool> RenewAsync(long epoch, CancellationToken cancellation);

    /// <summary>Lets go, so that another takes over at once; nothing when the term is over already.</summary>
    Task ReleaseAsync(long epoch, CancellationToken cancellation);

    /// <summary>Waits until the record differs from <paramref name="seen"/>, or <paramref name="patience"/> is over.</summary>
    /// <returns>The record as it is then.</returns>
    Task<LeaderRecord> ChangeAsync(LeaderRecord seen, TimeSpan patience, CancellationToken cancellation);
}

/// <summary>The term this process leads in; what fences read. A process leads in at most one term: after it, the process ends.</summary>
public sealed class LeaderTerm
{
    private long _epoch;

    /// <summary>The term's epoch; 0 while this process does not lead.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    /// <summary>This process leads from now on; before the store writes its first commit of the term.</summary>
    public void Begin(long epoch) => Volatile.Write(ref _epoch, epoch);
}
