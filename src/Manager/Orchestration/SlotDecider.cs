using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Takes one wanted slot one step further. docs/orchestration.md lists the steps.</summary>
internal static class SlotDecider
{
    /// <summary>Adds what the slot needs to <paramref name="draft"/>.</summary>
    /// <param name="draft">The service's changes so far.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="isAdmitted">Whether the update window lets it begin a replacement, or try again.</param>
    public static void Decide(Draft draft, SlotReading slot, bool isAdmitted)
    {
        foreach (var lost in slot.Lost)
            draft.Stop(lost, "its node is down");
        foreach (var task in slot.Superfluous)
            draft.Stop(task, "another task takes its place");

        if (slot.Kept is { } kept)
            Keep(draft, slot, kept, isAdmitted);
        else if (slot.Outgoing is { } outgoing)
            Replace(draft, slot, outgoing, isAdmitted);
        else if (slot.MayCreate)
            Fill(draft, slot, isAdmitted);
    }

    private static void Keep(Draft draft, SlotReading slot, ServiceTask kept, bool isAdmitted)
    {
        var view = draft.View;
        if (kept.SpecVersion != view.Wanted && !slot.IsFrozen && view.IsCurrent(kept))
            draft.Respecify(kept);
        if (slot.Outgoing is not { } outgoing)
            RunWhenDue(draft, slot, kept);
        else if (view.Serves(kept))
            draft.Stop(outgoing, WhyItLeaves(view, outgoing));
        else
        {
            // Until its successor takes over, an old task that waits for its restart still gets it. One that is younger was a
            // successor itself, before the service returned to what the kept one runs.
            if (outgoing.CreatedAt <= kept.CreatedAt)
                RunWhenDue(draft, slot, outgoing);
            HandOver(draft, slot, outgoing, kept, isAdmitted);
        }
    }

    // Start-first: the new one runs, then the old one stops. Stop-first: the new one is placed and its image pulled, then the
    // old one stops; it runs once the old one is gone (RunWhenDue, when nothing is outgoing any more).
    private static void HandOver(Draft draft, SlotReading slot, ServiceTask outgoing, ServiceTask kept, bool isAdmitted)
    {
        var view = draft.View;
        if (kept.DesiredState == TaskState.Running || !IsDue(draft, kept))
            return;
        if (Replacement.WaitsForTurn(view, slot) && !isAdmitted)
            return;
        if (RolloutRules.StartsFirst(view.Config, outgoing.Spec, kept.Spec))
            draft.Run(kept);
        else if (kept.State >= TaskState.Ready && view.IsHeardOf(kept) && (!view.IsPaused || view.MustMove(outgoing)))
            draft.Stop(outgoing, WhyItLeaves(view, outgoing));
    }

    private static void Replace(Draft draft, SlotReading slot, ServiceTask outgoing, bool isAdmitted)
    {
        var view = draft.View;
        RunWhenDue(draft, slot, outgoing);
        if (!slot.MayCreate || slot.IsFrozen)
            return;
        var wanted = view.IsPaused ? outgoing.SpecVersion : view.Wanted;
        var prepareOnly = !RolloutRules.StartsFirst(view.Config, outgoing.Spec, SpecOf(view, outgoing, wanted));
        if (Replacement.FailedAttempt(view, slot) is not { } failed)
        {
            if (isAdmitted)
                draft.Create(slot.Key, wanted, prepareOnly);
            return;
        }
        switch (RestartDecider.Decide(slot.Slot!, failed, SpecSince(view)))
        {
            case RestartDecision.Replace replace:
                // A retry of a rollout waits as merely ready: the window decides when its turn has come.
                draft.Create(slot.Key, wanted, prepareOnly || view.IsRolling, replace.Attempt, replace.NotBefore);
                break;
            case RestartDecision.Finished:
                draft.Stop(outgoing, "its successor completed");
                break;
            case RestartDecision.GaveUp gaveUp:
                draft.Annotate(failed, gaveUp.Reason);
                break;
        }
    }

    private static void Fill(Draft draft, SlotReading slot, bool isAdmitted)
    {
        var view = draft.View;
        var mustWait = slot.Stopping.Any(stopping => !RolloutRules.StartsFirst(view.Config, stopping.Spec, view.Service.Spec.Task));
        if (slot.Lost.Count > 0)
            ReplaceLost(draft, slot, slot.Lost[^1], mustWait);
        else if (slot.Newest is not { } newest || !newest.EndedByItself())
            draft.Create(slot.Key, view.Wanted, mustWait);
        else if (isAdmitted && UpdateWindow.IsAbandoned(view, slot))
            draft.Create(slot.Key, view.Wanted, mustWait);
        else
            Restart(draft, slot, newest, mustWait);
    }

    // At once, on another node, without counting attempts; only a backoff that was running goes on.
    private static void ReplaceLost(Draft draft, SlotReading slot, ServiceTask lost, bool mustWait)
    {
        var ran = lost.RanFrom() is not null;
        draft.Create(slot.Key, VersionAfter(draft.View, lost), mustWait, ran ? 0 : lost.Attempt, ran ? null : lost.NotBefore);
    }

    private static void Restart(Draft draft, SlotReading slot, ServiceTask ended, bool mustWait)
    {
        var view = draft.View;
        var version = VersionAfter(view, ended);
        if (version != ended.SpecVersion && !view.IsCurrent(ended))
        {
            draft.Create(slot.Key, version, mustWait);
            return;
        }
        switch (RestartDecider.Decide(slot.Slot!, ended, SpecSince(view)))
        {
            case RestartDecision.Replace replace:
                draft.Create(slot.Key, version, mustWait, replace.Attempt, replace.NotBefore);
                break;
            case RestartDecision.GaveUp gaveUp:
                draft.Annotate(ended, gaveUp.Reason);
                break;
        }
    }

    // A slot that a rollout has not reached, or will not reach because it is paused, restarts what it had: a spec that is
    // on trial spreads by the rollout's own steps only.
    private static long VersionAfter(ServiceView view, ServiceTask gone) =>
        (view.IsRolling && !view.IsCurrent(gone)) || view.IsPaused ? gone.SpecVersion : view.Wanted;

    private static void RunWhenDue(Draft draft, SlotReading slot, ServiceTask task)
    {
        if (task.DesiredState != TaskState.Ready || !IsDue(draft, task))
            return;
        var isBlocked = slot.Stopping.Any(stopping => !RolloutRules.StartsFirst(draft.View.Config, stopping.Spec, task.Spec));
        if (!isBlocked)
            draft.Run(task);
    }

    private static bool IsDue(Draft draft, ServiceTask task)
    {
        if (task.NotBefore is not { } due || due <= draft.Now)
            return true;
        draft.AskAgain(due);
        return false;
    }

    // For people, by what holds now: where an update and a drain coincide, the drain is named.
    private static string WhyItLeaves(ServiceView view, ServiceTask outgoing) =>
        !view.MustMove(outgoing) ? "replaced, because the service was updated"
        : view.NodeOf(outgoing)?.Spec.Availability == NodeAvailability.Drain ? "its node is drained"
        : "its node does not meet its constraints any more";

    private static DateTimeOffset SpecSince(ServiceView view) => view.Service.Rollout?.StartedAt ?? view.Service.CreatedAt;

    private static TaskSpec SpecOf(ServiceView view, ServiceTask outgoing, long version) =>
        version == outgoing.SpecVersion ? outgoing.Spec : view.Service.Spec.Task;
}
