using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>Moves a rollout from state to state: counts failures, pauses, rolls back, ends. docs/updates.md has the table.</summary>
public static class RolloutDecider
{
    private const int FailuresKept = 1000;

    /// <summary>What the service becomes, and when to ask again.</summary>
    /// <param name="Service">The same instance when nothing changes.</param>
    /// <param name="AskAgainAt">When time alone changes the answer; null when it does not.</param>
    public readonly record struct Outcome(Service Service, DateTimeOffset? AskAgainAt);

    /// <summary>Decides for one service.</summary>
    /// <param name="view">The service and its tasks.</param>
    /// <param name="slots">Its wanted slots, those without tasks included.</param>
    /// <param name="now">The leader's clock.</param>
    public static Outcome Decide(ServiceView view, IReadOnlyCollection<SlotReading> slots, DateTimeOffset now)
    {
        var service = view.Service;
        if (!view.IsRolling || service.Rollout is not { } rollout)
            return new Outcome(service, null);

        var failed = CountFailures(view, rollout);
        if (failed != rollout.Failed)
            service = service with { Rollout = rollout = rollout with { Failed = failed } };

        var config = view.Config;
        var total = Math.Max(rollout.Slots, 1);
        if (config.FailureAction != FailureAction.Continue && failed.Count > 0 && (double)failed.Count / total > config.MaxFailureRatio)
            return new Outcome(Stop(view, service, now, $"{failed.Count} of {total} slots failed: {Latest(view, failed)}"), null);

        return Advance(view, service, slots, now);
    }

    private static Outcome Advance(ServiceView view, Service service, IReadOnlyCollection<SlotReading> slots, DateTimeOffset now)
    {
        var config = view.Config;
        DateTimeOffset? watchedUntil = null;
        SlotReading? stuck = null;
        foreach (var slot in slots)
        {
            if (slot.IsFrozen)
                continue;
            if (SlotProgress.DoneSince(view, slot) is not { } since)
                stuck = stuck is null || IsWorse(view, slot, stuck) ? slot : stuck;
            else if (!IsFinished(slot) && (watchedUntil is null || since + config.Monitor > watchedUntil))
                watchedUntil = since + config.Monitor;
        }
        if (stuck is null)
            return watchedUntil > now ? new Outcome(service, watchedUntil) : new Outcome(Complete(service, now), null);

        if (config.FailureAction == FailureAction.Continue)
            return new Outcome(service, null);
        var deadline = LastProgress(view, service.Rollout!) + RolloutRules.Patience(service, config);
        if (deadline > now)
            return new Outcome(service, deadline);
        var silence = (now - LastProgress(view, service.Rollout!)).TotalMinutes;
        return new Outcome(
            Stop(view, service, now, $"no slot came to run the new spec for {silence:0} minutes: {SlotProgress.Explain(view, stuck, now)}"), null);
    }

    // The ended task of the rollout that counts as its slot's failure is the first one: what follows are its restarts.
    private static ValueList<TaskId> CountFailures(ServiceView view, Rollout rollout)
    {
        List<TaskId>? more = null;
        HashSet<TaskId>? known = null;
        foreach (var slot in view.Slots.Values)
        {
            foreach (var task in slot.Tasks)
            {
                if (task.Attempt != 0 || !Failed(view, task) || !Replacement.IsOfRollout(view, task))
                    continue;
                known ??= [.. rollout.Failed];
                if (!known.Contains(task.Id) && known.Count + (more?.Count ?? 0) < FailuresKept)
                    (more ??= []).Add(task.Id);
            }
        }
        if (more is null)
            return rollout.Failed;
        more.Sort();
        return [.. rollout.Failed, .. more];
    }

    private static bool Failed(ServiceView view, ServiceTask task) =>
        task.EndedByItself() && !task.IsFinished() && (task.RanFrom() is null || task.RanFor() < view.Config.Monitor);

    private static Service Stop(ServiceView view, Service service, DateTimeOffset now, string why)
    {
        var rollout = service.Rollout!;
        if (rollout.State == RolloutState.RollbackStarted)
            return service with { Rollout = Pause(rollout, RolloutState.RollbackPaused, now, $"rollback paused: {why}") };
        if (view.Config.FailureAction == FailureAction.Rollback)
        {
            if (ServiceRevisions.RollBack(view.State, service, now, $"update rolled back: {why}") is { } returned)
                return returned;
            why += "; there is no earlier spec to return to";
        }
        return service with { Rollout = Pause(rollout, RolloutState.Paused, now, $"update paused: {why}") };
    }

    private static Rollout Pause(Rollout rollout, RolloutState state, DateTimeOffset now, string message) =>
        rollout with { State = state, CompletedAt = now, Message = message };

    // A rollback's message keeps why it was made: that is what people ask when they find the old version.
    private static Service Complete(Service service, DateTimeOffset now)
    {
        var rollout = service.Rollout!;
        return service with
        {
            Rollout = rollout.State == RolloutState.RollbackStarted
                ? rollout with { State = RolloutState.RollbackCompleted, CompletedAt = now }
                : rollout with { State = RolloutState.Completed, CompletedAt = now, Message = CompletedMessage(rollout) },
        };
    }

    private static string CompletedMessage(Rollout rollout) =>
        rollout.Failed.Count == 0 ? "update completed" : $"update completed after {rollout.Failed.Count} failed tasks";

    // Without a leader no slot could come further: that time is nobody's failure.
    private static DateTimeOffset LastProgress(ServiceView view, Rollout rollout)
    {
        var last = rollout.ProgressAt > view.State.LedSince ? rollout.ProgressAt : view.State.LedSince;
        foreach (var slot in view.Slots.Values)
        {
            foreach (var task in slot.Tasks)
            {
                if (task.RanFrom() is { } from && from > last && task.SpecVersion == view.Wanted)
                    last = from;
            }
        }
        return last;
    }

    private static string Latest(ServiceView view, ValueList<TaskId> failed) =>
        view.State.Tasks.TryGetValue(failed[^1], out var task) ? SlotProgress.ExplainEnd(view, task) : "its task is no longer known";

    // The slot whose reason helps most: one with a task of its own, before one that merely waits for its turn.
    private static bool IsWorse(ServiceView view, SlotReading slot, SlotReading than)
    {
        var (tried, thanTried) = (HasTried(view, slot), HasTried(view, than));
        return tried != thanTried ? tried : slot.Key.CompareTo(than.Key) < 0;
    }

    private static bool HasTried(ServiceView view, SlotReading slot) =>
        slot.Kept is not null || Replacement.FailedAttempt(view, slot) is not null;

    private static bool IsFinished(SlotReading slot) => !slot.IsLive && slot.Newest is { } newest && newest.IsFinished();
}
