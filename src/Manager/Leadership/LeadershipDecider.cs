using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Leadership;

/// <summary>What a manager knows of the lead. Instants are of its own monotonic clock.</summary>
/// <param name="Seen">The record as it was last read; null before that.</param>
/// <param name="SeenAt">When <paramref name="Seen"/> had been read for the first time: it has stood still since, at the longest.</param>
/// <param name="IsLeading">Whether this process leads.</param>
/// <param name="TriedAt">While leading: when the last renewal began.</param>
/// <param name="RenewedAt">While leading: when the last renewal that succeeded began.</param>
/// <param name="MustLook">A hint came that the record may have changed.</param>
public sealed record LeadershipState(
    LeaderRecord? Seen, TimeSpan SeenAt, bool IsLeading, TimeSpan TriedAt, TimeSpan RenewedAt, bool MustLook)
{
    /// <summary>Of a process that has just started.</summary>
    public static LeadershipState Start { get; } = new(null, default, false, default, default, false);
}

/// <summary>What to do about the lead. Closed.</summary>
public abstract record LeadershipStep
{
    private LeadershipStep() { }

    /// <summary>Nothing before an instant, unless the record changes or a hint comes.</summary>
    public sealed record Wait(TimeSpan Until) : LeadershipStep;

    /// <summary>Read the record.</summary>
    public sealed record Look : LeadershipStep;

    /// <summary>Take the lead, if the record still is <paramref name="Seen"/>.</summary>
    public sealed record Take(LeaderRecord Seen) : LeadershipStep;

    /// <summary>Give a sign of life.</summary>
    public sealed record Renew(long Epoch) : LeadershipStep;

    /// <summary>Hand the lead over and end: this node is no manager any more.</summary>
    public sealed record Leave : LeadershipStep;
}

/// <summary>Decides who takes the lead when. Safety does not hang on it (the store's fences hold that), but what is read from a
/// leader with a valid lease does: docs/decisions/0011-store-decides.md.</summary>
public static class LeadershipDecider
{
    /// <summary>Decides the next step.</summary>
    /// <param name="state">What is known.</param>
    /// <param name="rank">This manager's place among those who may take over, from 0.</param>
    /// <param name="isReady">Whether this process has started: it could answer at once.</param>
    /// <param name="demotedAt">When it was noticed that this node is no manager any more; null while it is one.</param>
    /// <param name="now">The monotonic clock.</param>
    /// <param name="times">How fast the lead moves.</param>
    public static LeadershipStep Next(LeadershipState state, int rank, bool isReady, TimeSpan? demotedAt, TimeSpan now, LeadershipTimes times)
    {
        if (state.IsLeading)
        {
            // Its host ends it sooner, when it hears of it.
            if (now - demotedAt >= times.DemotedStays)
                return new LeadershipStep.Leave();
            var due = state.TriedAt + times.RenewEvery;
            return now >= due ? new LeadershipStep.Renew(state.Seen!.Epoch) : new LeadershipStep.Wait(due);
        }
        if (state.Seen is not { } seen || state.MustLook)
            return new LeadershipStep.Look();
        if (demotedAt is not null)
            return new LeadershipStep.Wait(now + times.TakeoverAfter);
        var takeAt = state.SeenAt + (seen.Holder is null ? rank * times.ReleasedRankStep : times.TakeoverAfter + rank * times.RankStep);
        // One that is still starting leaves the lead to those who can use it; where nobody ever led there may be nothing to start from.
        if (!isReady && seen.Epoch > 0)
            takeAt += times.StartingWait;
        return now >= takeAt ? new LeadershipStep.Take(seen) : new LeadershipStep.Wait(takeAt);
    }

    /// <summary>Whether a leader may believe its lease.</summary>
    public static bool HasLease(LeadershipState state, TimeSpan now, LeadershipTimes times) =>
        state.IsLeading && now - state.RenewedAt < times.Lease;

    /// <summary>The record was read, or waited for.</summary>
    /// <param name="state">What was known.</param>
    /// <param name="record">The record.</param>
    /// <param name="now">When the answer was there: the record stood so at some instant before.</param>
    public static LeadershipState OnSeen(LeadershipState state, LeaderRecord record, TimeSpan now) => record == state.Seen
        ? state with { MustLook = false }
        : state with { Seen = record, SeenAt = now, MustLook = false };

    /// <summary>The record was taken.</summary>
    /// <param name="state">What was known.</param>
    /// <param name="record">The new term's record.</param>
    /// <param name="begunAt">When the attempt began.</param>
    public static LeadershipState OnTaken(LeadershipState state, LeaderRecord record, TimeSpan begunAt) =>
        state with { Seen = record, SeenAt = begunAt, IsLeading = true, TriedAt = begunAt, RenewedAt = begunAt, MustLook = false };

    /// <summary>The record had changed when it was to be taken: it must be read anew.</summary>
    public static LeadershipState OnMissed(LeadershipState state) => state with { MustLook = true };

    /// <summary>A renewal begins.</summary>
    public static LeadershipState OnTrying(LeadershipState state, TimeSpan begunAt) => state with { TriedAt = begunAt };

    /// <summary>A renewal succeeded.</summary>
    /// <param name="state">What was known.</param>
    /// <param name="begunAt">When it began.</param>
    public static LeadershipState OnRenewed(LeadershipState state, TimeSpan begunAt) =>
        begunAt > state.RenewedAt ? state with { RenewedAt = begunAt } : state;

    /// <summary>Another leads, or this process lets go: nothing is believed from here on.</summary>
    public static LeadershipState OnOver(LeadershipState state) => state with { IsLeading = false };

    /// <summary>A manager's place among <paramref name="managers"/>, from 0; one that is not among them comes last.</summary>
    public static int Rank(IEnumerable<NodeId> managers, NodeId me) => managers.Count(other => other != me && other.Value < me.Value);
}
