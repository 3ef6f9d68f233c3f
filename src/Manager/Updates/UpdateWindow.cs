using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>Says which slots may have their task replaced now: by a new spec, because their node drains, or because a
/// constraint no longer holds. All of these share one window of <see cref="UpdateConfig.Parallelism"/> slots.</summary>
public static class UpdateWindow
{
    /// <summary>Slots that may begin (or, after a failure, try again) now.</summary>
    /// <param name="Admitted">They fit into the window.</param>
    /// <param name="AskAgainAt">When the delay of a slot ends; null when time alone changes nothing.</param>
    public sealed record Admission(ImmutableHashSet<SlotKey> Admitted, DateTimeOffset? AskAgainAt);

    /// <summary>Decides for the wanted slots of one service.</summary>
    /// <remarks>Slots where nothing serves go first: replacing them costs nobody anything. Then slots that must move, then
    /// by number; retries last, so that a slot that keeps failing does not hold the others up.</remarks>
    public static Admission Decide(ServiceView view, IReadOnlyCollection<SlotReading> slots, DateTimeOffset now)
    {
        List<(int Rank, SlotKey Key)>? waiting = null;
        DateTimeOffset? askAgainAt = null;
        var free = RolloutRules.Parallelism(view.Config);
        foreach (var slot in slots)
        {
            if (slot.Slot is null)
                continue;
            if (Replacement.Occupies(view, slot, now, out var until))
            {
                free--;
                askAgainAt = Earlier(askAgainAt, until);
            }
            else if (RankOf(view, slot, now) is { } rank)
                (waiting ??= []).Add((rank, slot.Key));
        }
        if (waiting is null || free <= 0)
            return new Admission([], waiting is null ? null : askAgainAt);

        waiting.Sort();
        return new Admission([.. waiting.Take(free).Select(each => each.Key)], waiting.Count > free ? askAgainAt : null);
    }

    // Null when the slot wants no replacement, or cannot have one now.
    private static int? RankOf(ServiceView view, SlotReading slot, DateTimeOffset now)
    {
        if (!slot.MayCreate || slot.IsFrozen)
            return null;
        if (slot is { Kept: null, Outgoing: { } outgoing })
        {
            if (Replacement.FailedAttempt(view, slot) is not null || outgoing.NodeId is not null && !view.IsHeardOf(outgoing))
                return null;
            return !view.Serves(outgoing) ? 0 : view.MustMove(outgoing) ? 1 : 2;
        }
        if (Replacement.WaitsForTurn(view, slot))
            return slot.Kept!.NotBefore is { } due && due > now ? null : 3;
        return IsAbandoned(view, slot) ? 0 : null;
    }

    /// <summary>Whether a slot whose task of an earlier spec ended, and has no successor yet, waits for the rollout.</summary>
    public static bool IsAbandoned(ServiceView view, SlotReading slot) =>
        view.IsRolling && slot is { IsLive: false, Lost.Count: 0, Newest: { } newest } && newest.EndedByItself() && !view.IsCurrent(newest);

    private static DateTimeOffset? Earlier(DateTimeOffset? left, DateTimeOffset? right) =>
        left is null || right is not null && right < left ? right : left;
}
