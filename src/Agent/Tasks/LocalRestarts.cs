using Berth.Agent.Engine;
using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>What follows tasks that end while no manager is there: another attempt in the same slot, on this node, by the
/// service's restart policy. Pure; docs/decisions say why attempts and not restarts.</summary>
/// <remarks>The managers' rules (docs/restart.md) as far as one node can know them. Who takes the attempts over, or stops
/// them, is decided by the leader once there is one.</remarks>
public static class LocalRestarts
{
    /// <summary>Ended local attempts that a slot keeps for their logs; older ones are removed.</summary>
    public const int Kept = 4;

    private const int MostKept = 20;

    /// <summary>Makes the attempts that are lacking, and tells those to run whose backoff is over.</summary>
    /// <param name="held">All tasks of this node.</param>
    /// <param name="now">By this host's clock.</param>
    /// <param name="ids">Ids for new attempts.</param>
    /// <returns>Tasks that are new or differ now.</returns>
    public static IReadOnlyList<HeldTask> Decide(IEnumerable<HeldTask> held, DateTimeOffset now, IdSource ids)
    {
        var changed = new List<HeldTask>();
        foreach (var slot in held.Where(task => !task.IsDropped).GroupBy(task => (task.Assignment.Template.ServiceId, task.Assignment.Slot)))
        {
            foreach (var row in slot.GroupBy(RootOf))
                DecideRow(changed, [.. row.OrderBy(Generation)], slot, now, ids);
        }
        return changed;
    }

    /// <summary>When <see cref="Decide"/> is worth asking again; null when nothing waits.</summary>
    public static DateTimeOffset? NextDue(IEnumerable<HeldTask> held) =>
        held.Where(Waits).Min(task => task.Local!.Starts);

    private static void DecideRow(List<HeldTask> changed, List<HeldTask> row, IEnumerable<HeldTask> slot, DateTimeOffset now, IdSource ids)
    {
        var newest = row[^1];
        if (Waits(newest))
        {
            if (Due(newest, now) is { } due)
                changed.Add(due);
        }
        else if (MayFollow(newest) && !slot.Any(other => IsServing(other) && RootOf(other) != RootOf(newest)) && Follow(newest, row, now, ids) is { } next)
        {
            changed.Add(next);
            changed.AddRange(Excess(row));
        }
    }

    // Only an end that no manager heard of is answered here: of any other, one may have decided already, for another node.
    private static bool MayFollow(HeldTask task) =>
        task is { EndedUnheard: true, Assignment.Desired: <= TaskState.Running, State: TaskState.Complete or TaskState.Shutdown or TaskState.Failed or TaskState.Rejected };

    private static bool IsServing(HeldTask task) => task.Assignment.Desired == TaskState.Running && !task.State.IsTerminal();

    private static bool Waits(HeldTask task) => task is { IsDropped: false, Local.Starts: not null } && !task.State.IsTerminal();

    private static HeldTask? Due(HeldTask task, DateTimeOffset now)
    {
        var starts = task.Local!.Starts!.Value;
        var policy = task.Assignment.Template.Spec.Restart;
        var longest = policy.Delay > RestartBackoff.LongestDelay ? policy.Delay : RestartBackoff.LongestDelay;
        if (now >= starts)
            return task with { Assignment = task.Assignment with { Desired = TaskState.Running }, Local = task.Local with { Starts = null } };
        // The clock was set back: nobody waits longer than the longest backoff for that.
        return starts - now > longest ? task with { Local = task.Local with { Starts = now + longest } } : null;
    }

    private static HeldTask? Follow(HeldTask ended, List<HeldTask> row, DateTimeOffset now, IdSource ids)
    {
        var policy = ended.Assignment.Template.Spec.Restart;
        if (policy.Condition == RestartCondition.None || (policy.Condition == RestartCondition.OnFailure && ended.State == TaskState.Complete))
            return null;
        if (policy.MaxAttempts > 0 && RestartsUsed(ended, row, policy) >= policy.MaxAttempts)
            return null;
        var quick = RanFor(ended) < RestartBackoff.LongRun;
        var wait = RestartBackoff.Wait(policy.Delay, quick ? ended.Assignment.Attempt : 0);
        var assignment = ended.Assignment with
        {
            Id = new TaskId(ids.Next()),
            Desired = TaskState.Ready,
            Known = TaskState.Assigned,
            Attempt = quick ? ended.Assignment.Attempt + 1 : 0,
        };
        // An end that lies in the future is a clock that was set back.
        var end = ended.Status.Timestamp < now ? ended.Status.Timestamp : now;
        return TaskTransitions.Accept(assignment, now) with
        {
            Local = new LocalOrigin(RootOf(ended), Generation(ended) + 1, now, end + wait),
            Phase = ContainerPhase.None,
        };
    }

    // The managers count over the slot's whole history; here it is what this node saw, and the row of failures it was told.
    private static int RestartsUsed(HeldTask ended, List<HeldTask> row, RestartPolicy policy)
    {
        var earlier = row.Where(task => task.Id != ended.Id && task.State.IsTerminal());
        return policy.Window > TimeSpan.Zero
            ? earlier.Count(task => ended.Status.Timestamp - task.Status.Timestamp <= policy.Window)
            : Math.Max(earlier.Count(), ended.Assignment.Attempt);
    }

    private static IEnumerable<HeldTask> Excess(List<HeldTask> row)
    {
        var kept = Math.Clamp(row[^1].Assignment.Template.Spec.Restart.MaxAttempts, Kept, MostKept);
        var ended = row.Where(task => task.Local is not null && task.State.IsTerminal()).ToList();
        return ended.Take(Math.Max(0, ended.Count - kept)).Select(task => task with { IsDropped = true });
    }

    private static TimeSpan RanFor(HeldTask task) =>
        task.Status.RunningSince is { } since && task.Status.Timestamp > since ? task.Status.Timestamp - since : TimeSpan.Zero;

    private static TaskId RootOf(HeldTask task) => task.Local?.Root ?? task.Id;

    private static int Generation(HeldTask task) => task.Local?.Generation ?? 0;
}
