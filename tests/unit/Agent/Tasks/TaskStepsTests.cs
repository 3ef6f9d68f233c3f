using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Agent.Tasks;

public sealed class TaskStepsTests
{
    private static readonly TaskState[] Desired = [TaskState.Ready, TaskState.Running, TaskState.Shutdown, TaskState.Remove];

    [Theory]
    [InlineData(TaskState.Ready, TaskState.Accepted, ContainerPhase.None, TaskStep.Prepare)]
    [InlineData(TaskState.Running, TaskState.Accepted, ContainerPhase.None, TaskStep.Prepare)]
    [InlineData(TaskState.Running, TaskState.Preparing, ContainerPhase.None, TaskStep.Prepare)]
    [InlineData(TaskState.Ready, TaskState.Ready, ContainerPhase.Created, TaskStep.None)]
    [InlineData(TaskState.Running, TaskState.Ready, ContainerPhase.Created, TaskStep.Start)]
    [InlineData(TaskState.Running, TaskState.Starting, ContainerPhase.Created, TaskStep.Start)]
    [InlineData(TaskState.Running, TaskState.Starting, ContainerPhase.Running, TaskStep.None)]
    [InlineData(TaskState.Running, TaskState.Running, ContainerPhase.Running, TaskStep.None)]
    [InlineData(TaskState.Running, TaskState.Running, ContainerPhase.Exited, TaskStep.Inspect)]
    [InlineData(TaskState.Running, TaskState.Running, ContainerPhase.None, TaskStep.Lose)]
    [InlineData(TaskState.Shutdown, TaskState.Running, ContainerPhase.Running, TaskStep.Stop)]
    [InlineData(TaskState.Remove, TaskState.Running, ContainerPhase.Running, TaskStep.Stop)]
    [InlineData(TaskState.Shutdown, TaskState.Preparing, ContainerPhase.None, TaskStep.Abandon)]
    [InlineData(TaskState.Shutdown, TaskState.Ready, ContainerPhase.Created, TaskStep.Abandon)]
    [InlineData(TaskState.Running, TaskState.Failed, ContainerPhase.None, TaskStep.None)]
    [InlineData(TaskState.Running, TaskState.Failed, ContainerPhase.Running, TaskStep.Stop)]
    public void The_next_step_follows_from_what_is_wanted_and_what_is_true(
        TaskState desired, TaskState observed, ContainerPhase phase, TaskStep expected) =>
        Assert.Equal(expected, TaskSteps.Next(desired, observed, phase, dropped: false, unhealthy: false));

    [Theory]
    [InlineData(ContainerPhase.Running, TaskStep.Stop)]
    [InlineData(ContainerPhase.Exited, TaskStep.Remove)]
    [InlineData(ContainerPhase.Created, TaskStep.Remove)]
    [InlineData(ContainerPhase.None, TaskStep.Forget)]
    public void A_dropped_task_is_stopped_then_deleted_then_forgotten(ContainerPhase phase, TaskStep expected) =>
        Assert.Equal(expected, TaskSteps.Next(TaskState.Running, TaskState.Running, phase, dropped: true, unhealthy: false));

    [Fact]
    public void An_unhealthy_task_is_stopped() =>
        Assert.Equal(TaskStep.Stop, TaskSteps.Next(TaskState.Running, TaskState.Starting, ContainerPhase.Running, dropped: false, unhealthy: true));

    [Fact]
    public void An_ended_task_never_runs_again() =>
        Gen.Select(ATask.OneOf(Desired), ATask.OneOf(Enum.GetValues<TaskState>()), ATask.OneOf(Enum.GetValues<ContainerPhase>()), Gen.Bool, Gen.Bool)
            .Sample((desired, observed, phase, dropped, unhealthy) =>
            {
                var step = TaskSteps.Next(desired, observed, phase, dropped, unhealthy);
                return !(observed.IsTerminal() || dropped || desired >= TaskState.Shutdown) || step is not (TaskStep.Start or TaskStep.Prepare);
            });

    [Fact]
    public void Whatever_happens_a_state_only_grows_and_always_says_something()
    {
        var outcomes = Gen.OneOf(
            Gen.Const<StepOutcome>(new StepOutcome.Created("c")),
            Gen.Const<StepOutcome>(new StepOutcome.Removed()),
            Gen.Const<StepOutcome>(new StepOutcome.Cancelled()),
            Gen.Const<StepOutcome>(new StepOutcome.Inspected(null)),
            Gen.Const<StepOutcome>(new StepOutcome.Stopped(null, TimeSpan.FromSeconds(1))),
            ATask.OneOf(Enum.GetValues<EngineFault>()).Select(fault => (StepOutcome)new StepOutcome.Failed(fault, "why", 127)),
            Gen.Select(ATask.OneOf(Enum.GetValues<ContainerPhase>()), ATask.OneOf(Enum.GetValues<ContainerHealth>()), ATask.OneOf(0, 1, 137), Gen.Bool)
                .Select((phase, health, code, oom) => new ContainerFacts { Id = "c", Phase = phase, Health = health, ExitCode = code, OomKilled = oom })
                .SelectMany(facts => ATask.OneOf<StepOutcome>(new StepOutcome.Inspected(facts), new StepOutcome.Stopped(facts, TimeSpan.FromSeconds(10)))));
        var steps = ATask.OneOf(TaskStep.Prepare, TaskStep.Start, TaskStep.Inspect, TaskStep.Stop, TaskStep.Remove);

        Gen.Select(ATask.OneOf(Desired), Gen.Select(steps, outcomes).Array[0, 12]).Sample((desired, happenings) =>
        {
            var task = ATask.Held(desired: desired);
            foreach (var (step, outcome) in happenings)
            {
                var begun = TaskTransitions.Begin(task, step, ATask.Now);
                var next = TaskTransitions.After(begun, step, outcome, ATask.Now);
                Assert.True(begun.State >= task.State && next.State >= begun.State);
                Assert.False(task.State.IsTerminal() && next.State != task.State);
                Assert.NotEqual("", next.Status.Message);
                Assert.True(next.State is not (TaskState.Failed or TaskState.Rejected) || next.Status.Err.Length > 0);
                task = next;
            }
        });
    }
}
