using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>How a set of assignments changes what an agent holds. Pure.</summary>
public static class AssignmentRules
{
    /// <summary>Applies a full set or a change.</summary>
    /// <param name="held">What the agent holds, by id.</param>
    /// <param name="change">What arrived.</param>
    /// <param name="now">By this host's clock.</param>
    /// <returns>The tasks that differ now. What a full set lacks, and what a change removes, is dropped: it is stopped and
    /// deleted before it is forgotten.</returns>
    public static IReadOnlyList<HeldTask> Apply(IReadOnlyDictionary<TaskId, HeldTask> held, AssignmentChange change, DateTimeOffset now)
    {
        var changed = new Dictionary<TaskId, HeldTask>();
        foreach (var assignment in change.Tasks)
        {
            if (!held.TryGetValue(assignment.Id, out var task))
                changed[assignment.Id] = TaskTransitions.Accept(assignment, now);
            else if (TaskTransitions.Reassign(task, assignment) is var reassigned && reassigned != task)
                changed[assignment.Id] = reassigned;
        }
        var removed = change.IsFull
            ? held.Keys.Except(change.Tasks.Select(assignment => assignment.Id)).Concat(change.Removed)
            : change.Removed;
        foreach (var id in removed)
        {
            var known = changed.GetValueOrDefault(id) ?? held.GetValueOrDefault(id);
            if (known is { IsDropped: false })
                changed[id] = known with { IsDropped = true };
        }
        return [.. changed.Values];
    }
}
