using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>What follows a task that ended by itself. Closed.</summary>
public abstract record RestartDecision
{
    private RestartDecision() { }

    /// <summary>Another task, not before an instant.</summary>
    /// <param name="Attempt">Quick failures before it.</param>
    /// <param name="NotBefore">When it may run; it may be past.</param>
    public sealed record Replace(int Attempt, DateTimeOffset NotBefore) : RestartDecision;

    /// <summary>Nothing: it did what it was for.</summary>
    public sealed record Finished : RestartDecision;

    /// <summary>Nothing, though it failed.</summary>
    /// <param name="Reason">For people, such as <c>gave up after 3 restarts</c>.</param>
    public sealed record GaveUp(string Reason) : RestartDecision;
}

/// <summary>Applies a restart policy to an ended task. docs/restart.md explains the figures.</summary>
public static class RestartDecider
{
    /// <summary>Decides what follows <paramref name="ended"/>, by the policy it was made with.</summary>
    /// <param name="slot">Its slot: earlier ends count towards the attempts.</param>
    /// <param name="ended">A task that ended by itself.</param>
    /// <param name="specSince">When its spec came to be wanted; earlier ends do not count.</param>
    public static RestartDecision Decide(Slot slot, ServiceTask ended, DateTimeOffset specSince)
    {
        var policy = ended.Spec.Restart;
        if (ended.IsFinished())
            return new RestartDecision.Finished();
        if (policy.Condition == RestartCondition.None)
            return new RestartDecision.GaveUp("not restarted: its restart condition is none");

        var quick = ended.RanFor() < RestartBackoff.LongRun;
        if (policy.MaxAttempts > 0)
        {
            var used = RestartsUsed(slot, ended, policy, specSince);
            if (used >= policy.MaxAttempts)
                return new RestartDecision.GaveUp(Exhausted(policy));
        }
        var failures = quick ? ended.Attempt : 0;
        return new RestartDecision.Replace(quick ? ended.Attempt + 1 : 0, ended.Status.Timestamp + RestartBackoff.Wait(policy.Delay, failures));
    }

    // Each earlier end of the same spec was followed by a restart. The history holds enough of them (Reaper.Kept); without
    // a window the attempts of an unbroken row of quick failures say it too.
    private static int RestartsUsed(Slot slot, ServiceTask ended, RestartPolicy policy, DateTimeOffset specSince)
    {
        var used = 0;
        foreach (var task in slot.Tasks)
        {
            if (task.Id == ended.Id || task.SpecVersion != ended.SpecVersion || !task.EndedByItself() || task.CreatedAt < specSince)
                continue;
            if (policy.Window <= TimeSpan.Zero || ended.Status.Timestamp - task.Status.Timestamp <= policy.Window)
                used++;
        }
        return policy.Window <= TimeSpan.Zero ? Math.Max(used, ended.Attempt) : used;
    }

    private static string Exhausted(RestartPolicy policy)
    {
        var within = policy.Window > TimeSpan.Zero ? $" within {policy.Window}" : "";
        return $"gave up after {policy.MaxAttempts} {(policy.MaxAttempts == 1 ? "restart" : "restarts")}{within}";
    }
}
