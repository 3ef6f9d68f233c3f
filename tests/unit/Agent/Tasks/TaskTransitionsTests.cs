using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;

namespace Berth.Tests.Agent.Tasks;

public sealed class TaskTransitionsTests
{
    private static readonly HeldTask Running = ATask.Held(TaskState.Running, phase: ContainerPhase.Running);

    private static HeldTask Inspect(HeldTask task, ContainerFacts? facts) =>
        TaskTransitions.After(task, TaskStep.Inspect, new StepOutcome.Inspected(facts), ATask.Now);

    [Fact]
    public void A_container_that_exits_with_zero_completes_its_task()
    {
        var ended = Inspect(Running, ATask.Exited(0));
        Assert.Equal((TaskState.Complete, 0, ""), (ended.State, ended.Status.ExitCode, ended.Status.Err));
    }

    [Theory]
    [InlineData(3, "exited with code 3")]
    [InlineData(139, "ended by SIGSEGV (exit code 139)")]
    public void A_crash_says_its_code(int code, string expected)
    {
        var ended = Inspect(Running, ATask.Exited(code));
        Assert.Equal((TaskState.Failed, expected, code), (ended.State, ended.Status.Err, ended.Status.ExitCode));
    }

    [Fact]
    public void Want_of_memory_names_the_limit()
    {
        var task = ATask.Held(TaskState.Running, phase: ContainerPhase.Running, template: ATask.Template(limits: new Limits(MemoryBytes: 64 << 20)));
        var ended = Inspect(task, ATask.Exited(137, oom: true));
        Assert.Equal("killed by the kernel for want of memory, limit 64 MiB", ended.Status.Err);
        Assert.True(ended.Status.OomKilled);
    }

    [Fact]
    public void With_a_health_check_a_task_runs_only_once_it_is_healthy()
    {
        var starting = ATask.Held(TaskState.Starting, phase: ContainerPhase.Created);
        var waiting = TaskTransitions.After(starting, TaskStep.Start, new StepOutcome.Inspected(ATask.Runs(ContainerHealth.Starting)), ATask.Now);
        Assert.Equal((TaskState.Starting, "started; waiting for its health check"), (waiting.State, waiting.Status.Message));
        Assert.Equal(TaskState.Running, Inspect(waiting, ATask.Runs(ContainerHealth.Healthy)).State);
    }

    [Fact]
    public void An_unhealthy_task_fails_with_its_last_probe()
    {
        var unhealthy = Inspect(Running, ATask.Runs(ContainerHealth.Unhealthy, "no answer\non port 80"));
        Assert.Equal(TaskStep.Stop, TaskSteps.Next(unhealthy));
        var ended = TaskTransitions.After(unhealthy, TaskStep.Stop, new StepOutcome.Stopped(ATask.Exited(143), TimeSpan.FromSeconds(1)), ATask.Now);
        Assert.Equal((TaskState.Failed, "unhealthy: no answer on port 80"), (ended.State, ended.Status.Err));
    }

    [Fact]
    public void A_task_that_ignores_its_stop_signal_says_that_it_was_killed()
    {
        var container = new ContainerSpec { Image = "web:1", StopSignal = "SIGTERM", StopGracePeriod = TimeSpan.FromSeconds(2) };
        var task = ATask.Held(TaskState.Running, TaskState.Shutdown, ContainerPhase.Running, template: ATask.Template(container));
        var ended = TaskTransitions.After(task, TaskStep.Stop, new StepOutcome.Stopped(ATask.Exited(137), TimeSpan.FromSeconds(2.1)), ATask.Now);
        Assert.Equal((TaskState.Shutdown, "killed: it still ran 2 s after SIGTERM"), (ended.State, ended.Status.Message));
    }

    [Fact]
    public void A_command_that_cannot_be_started_fails_with_the_engines_reason_and_code()
    {
        var starting = ATask.Held(TaskState.Starting, phase: ContainerPhase.Created);
        var ended = TaskTransitions.After(starting, TaskStep.Start, new StepOutcome.Failed(EngineFault.Refused, "no such file", 127), ATask.Now);
        Assert.Equal((TaskState.Failed, "no such file", 127), (ended.State, ended.Status.Err, ended.Status.ExitCode));
    }

    [Fact]
    public void A_taken_port_rejects_the_task()
    {
        var starting = ATask.Held(TaskState.Starting, phase: ContainerPhase.Created);
        var ended = TaskTransitions.After(starting, TaskStep.Start, new StepOutcome.Failed(EngineFault.PortTaken, "port 80"), ATask.Now);
        Assert.Equal(TaskState.Rejected, ended.State);
    }

    [Fact]
    public void An_engine_that_breaks_off_decides_nothing()
    {
        var starting = ATask.Held(TaskState.Starting, phase: ContainerPhase.Created);
        Assert.Equal(starting, TaskTransitions.After(starting, TaskStep.Start, new StepOutcome.Failed(EngineFault.Unavailable, "gone"), ATask.Now));
    }

    [Fact]
    public void What_the_manager_knows_to_have_ended_is_not_run_again_by_an_agent_without_memory()
    {
        var task = TaskTransitions.Accept(ATask.Assignment(known: TaskState.Failed), ATask.Now);
        Assert.Equal(TaskStep.None, TaskSteps.Next(task));
    }

    [Fact]
    public void What_ran_and_has_no_container_any_more_is_lost_not_started_again()
    {
        var task = TaskTransitions.Accept(ATask.Assignment(known: TaskState.Running), ATask.Now);
        Assert.Equal(TaskStep.Lose, TaskSteps.Next(task));
        Assert.Equal(TaskState.Failed, TaskTransitions.Take(task, TaskStep.Lose, ATask.Now).State);
    }

    [Fact]
    public void A_listed_container_of_a_known_task_is_adopted()
    {
        var listed = new ListedContainer("abc", ContainerPhase.Running, ContainerHealth.None, new Dictionary<string, string>());
        var task = ATask.Held();
        Assert.True(TaskTransitions.NeedsInspect(task, listed));
        var adopted = Inspect(TaskTransitions.Listed(task, listed, ATask.Now), ATask.Runs() with { Id = "abc" });
        Assert.Equal((TaskState.Running, "abc", 7), (adopted.State, adopted.ContainerId, adopted.Status.Pid));
    }
}
