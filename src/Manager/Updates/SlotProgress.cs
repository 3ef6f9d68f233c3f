using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>Whether a slot has what is wanted, and if not, why.</summary>
public static class SlotProgress
{
    /// <summary>Since when the slot has what is wanted: its task runs from the wanted spec and nothing is left of the one
    /// before, or it completed and is not to run again. Null while it has not.</summary>
    public static DateTimeOffset? DoneSince(ServiceView view, SlotReading slot)
    {
        if (slot is { Kept: { } kept, Outgoing: null })
            return kept.Runs() && (slot.IsFrozen || view.IsCurrent(kept)) ? kept.RanFrom() : null;
        return slot is { IsLive: false, Lost.Count: 0, Newest: { } newest } && newest.IsFinished() && view.IsCurrent(newest)
            ? newest.Status.Timestamp
            : null;
    }

    /// <summary>One phrase for people: what the slot waits for, such as <c>slot 3: pending: no suitable node</c>.</summary>
    public static string Explain(ServiceView view, SlotReading slot, DateTimeOffset now) =>
        $"{view.NameOf(slot.Key)}: {Reason(view, slot, now)}";

    /// <summary>For people: the end of <paramref name="task"/>, such as <c>slot 3: failed: exit code 1</c>.</summary>
    public static string ExplainEnd(ServiceView view, ServiceTask task)
    {
        var word = task.State.Word();
        var why = task.Why();
        return $"{view.NameOf(SlotKey.Of(task))}: {(why.StartsWith(word, StringComparison.OrdinalIgnoreCase) ? why : $"{word}: {why}")}";
    }

    private static string Reason(ServiceView view, SlotReading slot, DateTimeOffset now)
    {
        if (slot.Kept is { } kept)
        {
            if (kept.Runs())
                return slot.Outgoing is null && view.IsCurrent(kept) ? "runs" : "the new task runs, the old one is told to stop";
            if (kept.DesiredState == TaskState.Ready && kept.NotBefore is { } due && due > now)
                return $"tries again in {Math.Ceiling((due - now).TotalSeconds)} s{LastFailure(slot, kept)}";
            if (slot.Stopping.Count > 0 && kept.State == TaskState.Ready)
                return "ready, waits for the old task to stop";
            return $"{kept.State.Word()}: {kept.Why()}{LastFailure(slot, kept)}";
        }
        if (slot.Outgoing is { } outgoing)
        {
            var old = view.MustMove(outgoing) ? "waits for its turn to move" : "waits for its turn to be updated";
            return Replacement.FailedAttempt(view, slot) is { } failed ? $"the new task {failed.State.Word()}: {failed.Why()}" : old;
        }
        if (slot.Lost.Count > 0)
            return "its node is down";
        if (slot.Newest is not { } newest)
            return "no task yet";
        return newest.EndedByItself() ? $"{newest.State.Word()}: {newest.Why()}" : "stopped";
    }

    private static string LastFailure(SlotReading slot, ServiceTask task) =>
        slot.Slot?.Before(task) is { } before && before.EndedByItself() ? $" (before: {before.State.Word()}: {before.Why()})" : "";
}
