using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>Where the replacement of one slot's task stands; derived from its tasks alone, so that a new leader knows the same.</summary>
public static class Replacement
{
    /// <summary>A task made to replace the slot's live one, and ended by itself before it took over; null when there is none.</summary>
    public static ServiceTask? FailedAttempt(ServiceView view, SlotReading slot)
    {
        if (slot is not { Kept: null, Outgoing: { } outgoing, Newest: { } newest } || newest.Id == outgoing.Id)
            return null;
        var wanted = view.IsPaused ? outgoing.SpecVersion : view.Wanted;
        return newest.EndedByItself() && newest.SpecVersion == wanted && (!view.IsRolling || IsOfRollout(view, newest)) ? newest : null;
    }

    /// <summary>Whether <paramref name="task"/> was made from the wanted spec since the rollout began.</summary>
    public static bool IsOfRollout(ServiceView view, ServiceTask task) =>
        view.Service.Rollout is { } rollout && task.SpecVersion == view.Wanted && task.CreatedAt >= rollout.StartedAt;

    /// <summary>Whether <paramref name="task"/> tries again what a task of the same spec in its slot failed to do.</summary>
    public static bool IsRetry(SlotReading slot, ServiceTask task) =>
        slot.Slot?.Before(task) is { } before && before.EndedByItself() && before.SpecVersion == task.SpecVersion;

    /// <summary>Whether a retry of a rollout waits for its turn: the slots that have not been tried go before it.</summary>
    public static bool WaitsForTurn(ServiceView view, SlotReading slot) =>
        view.IsRolling && slot is { Kept: { DesiredState: TaskState.Ready } kept, Outgoing: not null } && IsRetry(slot, kept);

    /// <summary>Whether the slot counts against the parallelism.</summary>
    /// <param name="view">The service.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="now">The leader's clock.</param>
    /// <param name="until">When that ends by itself (the delay between slots); null when it waits for something to happen.</param>
    /// <remarks>Outside of rollouts (drain, constraints) a slot whose replacement fails keeps its place: nobody would pause
    /// such a move, so it must not go on to harm the next slot. In a rollout the failure ratio decides instead.</remarks>
    public static bool Occupies(ServiceView view, SlotReading slot, DateTimeOffset now, out DateTimeOffset? until)
    {
        until = null;
        if (slot.Kept is not { } kept)
            return !view.IsRolling && (FailedAttempt(view, slot) is not null || FailedAlone(view, slot));
        if (slot.Outgoing is not null)
            return !WaitsForTurn(view, slot);
        if (!Replaced(view, slot, kept))
            return false;
        var retry = IsRetry(slot, kept);
        if (!kept.Runs())
            return !(view.IsRolling && retry && kept.DesiredState == TaskState.Ready);
        if (retry || kept.RanFrom() is not { } from || from + view.Config.Delay <= now)
            return false;
        until = from + view.Config.Delay;
        return true;
    }

    // The replacement ended after the old task was gone, and is about to be tried again.
    private static bool FailedAlone(ServiceView view, SlotReading slot) =>
        slot is { IsLive: false, Lost.Count: 0, Newest: { } newest }
        && newest.EndedByItself() && !newest.IsFinished() && newest.Spec.Restart.Condition != RestartCondition.None
        && (newest.Spec.Restart.MaxAttempts == 0 || newest.Attempt < newest.Spec.Restart.MaxAttempts)
        && Replaced(view, slot, newest);

    // Whether the task is in its slot because something replaced its predecessor, and not because that one died.
    private static bool Replaced(ServiceView view, SlotReading slot, ServiceTask task)
    {
        var before = slot.Slot!.Before(task);
        while (before is not null && before.EndedByItself() && before.SpecVersion == task.SpecVersion)
        {
            if (task.Attempt == 0)
                return false;
            (task, before) = (before, slot.Slot.Before(before));
        }
        if (before is null || view.IsLost(before))
            return false;
        return before.DesiredState >= TaskState.Shutdown || before.SpecVersion != task.SpecVersion;
    }
}
