using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Forgets tasks: those to be removed once they are gone, and what exceeds the history of a slot.</summary>
internal static class Reaper
{
    private const int History = 5;
    private const int LongestHistory = 100;

    /// <summary>Ended tasks kept in a slot: 5, or as many as counting the policy's attempts needs, at most 100.</summary>
    public static int Kept(RestartPolicy policy) =>
        Math.Max(History, Math.Min(policy.MaxAttempts, LongestHistory - 1) + 1);

    /// <summary>Adds what can be forgotten of a slot to <paramref name="draft"/>.</summary>
    /// <param name="draft">The service's changes so far.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="isLeaving">Whether the whole slot was just told to go, its history included.</param>
    public static void Decide(Draft draft, Slot slot, bool isLeaving)
    {
        var tasks = slot.Tasks;
        if (tasks.Length == 1 && tasks[0].IsLive)
            return;
        var ended = 0;
        foreach (var task in tasks)
        {
            if (task.DesiredState == TaskState.Remove)
            {
                if (draft.IsForgettable(task))
                    draft.Forget(task);
            }
            else if (task.State.IsTerminal())
                ended++;
            else if (task.DesiredState >= TaskState.Shutdown)
                draft.Settle(task, "told to stop");
        }
        var excess = isLeaving ? 0 : ended - Kept(draft.View.Service.Spec.Task.Restart);
        for (var at = 0; at < tasks.Length && excess > 0; at++)
        {
            if (tasks[at] is not { DesiredState: < TaskState.Remove } old || !old.State.IsTerminal())
                continue;
            draft.Forget(old);
            excess--;
        }
    }
}
