using Berth.Agent.Tasks;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Agent.Tasks;

public sealed class AssignmentRulesTests
{
    private static Dictionary<TaskId, HeldTask> Holding(params HeldTask[] tasks) => tasks.ToDictionary(task => task.Id);

    [Fact]
    public void A_full_set_drops_what_it_lacks()
    {
        var held = Holding(ATask.Held(TaskState.Running, id: 1), ATask.Held(TaskState.Running, id: 2));
        var changed = AssignmentRules.Apply(held, new AssignmentChange(true, [ATask.Assignment(1), ATask.Assignment(3)], []), ATask.Now);
        Assert.True(changed.Single(task => task.Id == new TaskId(2)).IsDropped);
        Assert.Equal(TaskState.Accepted, changed.Single(task => task.Id == new TaskId(3)).State);
    }

    [Fact]
    public void A_change_leaves_what_it_does_not_name()
    {
        var held = Holding(ATask.Held(id: 1), ATask.Held(id: 2));
        var changed = AssignmentRules.Apply(held, new AssignmentChange(false, [], [new TaskId(2)]), ATask.Now);
        Assert.Equal(new TaskId(2), Assert.Single(changed).Id);
    }

    [Fact]
    public void Desired_states_never_go_back()
    {
        var held = Holding(ATask.Held(desired: TaskState.Shutdown));
        var changed = AssignmentRules.Apply(held, new AssignmentChange(false, [ATask.Assignment(desired: TaskState.Running)], []), ATask.Now);
        Assert.All(changed, task => Assert.Equal(TaskState.Shutdown, task.Assignment.Desired));
    }

    [Fact]
    public void Applying_a_set_twice_changes_nothing_more()
    {
        var assignments = Gen.Select(Gen.UInt[1, 6], ATask.OneOf(TaskState.Ready, TaskState.Running, TaskState.Shutdown, TaskState.Remove))
            .Select((id, desired) => ATask.Assignment(id, desired)).Array[0, 6]
            .Select(all => all.DistinctBy(assignment => assignment.Id).ToArray());
        Gen.Select(assignments, assignments, Gen.Bool).Sample((before, after, full) =>
        {
            var held = before.ToDictionary(assignment => assignment.Id, assignment => TaskTransitions.Accept(assignment, ATask.Now));
            var change = new AssignmentChange(full, after, []);
            foreach (var task in AssignmentRules.Apply(held, change, ATask.Now))
                held[task.Id] = task;
            return AssignmentRules.Apply(held, change, ATask.Now).Count == 0;
        });
    }
}
