using Berth.Manager.Orchestration;
using Berth.Model;

namespace Berth.Tests.Manager.Orchestration;

public sealed class RestartTests
{
    [Fact]
    public void A_failed_task_is_replaced_at_once_by_one_that_prepares_and_runs_after_the_delay()
    {
        var world = World.Of(nodes: 2);
        var web = world.Create(Specs.Web(1));
        world.UntilConverged(web);
        world.Fail(world.Live(web)[0]);
        world.Orchestrate();

        var next = Assert.Single(world.Live(web));
        Assert.Equal((TaskState.Ready, 1, world.Now + TimeSpan.FromSeconds(5)), (next.DesiredState, next.Attempt, next.NotBefore));
        Assert.Equal(next.NotBefore, world.Decide(web).AskAgainAt);

        world.Steps(6);
        Assert.Equal(TaskState.Ready, world.State.Tasks[next.Id].State);
        Assert.Contains("tries again in 2 s (before: failed: exit code 1)", world.Judge(web).Reason, StringComparison.Ordinal);

        world.UntilConverged(web);
        Assert.Equal(next.Id, Assert.Single(world.Running(web)).Id);
    }

    [Theory]
    [InlineData(5, 0, 5)]
    [InlineData(5, 1, 10)]
    [InlineData(5, 3, 40)]
    [InlineData(5, 60, 300)]
    [InlineData(0, 0, 0)]
    [InlineData(0, 2, 4)]
    [InlineData(900, 4, 900)]
    public void Backoff_doubles_up_to_five_minutes(int delay, int failures, int expected) =>
        Assert.Equal(TimeSpan.FromSeconds(expected), RestartBackoff.Wait(TimeSpan.FromSeconds(delay), failures));

    [Fact]
    public void A_task_that_always_crashes_makes_few_containers_an_hour()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(1, World.CrashesAtStart));
        var made = new HashSet<TaskId>();
        world.Invariant = w => made.UnionWith(w.Tasks(web).Select(task => task.Id));

        world.Steps(3600, seconds: 1);

        Assert.InRange(made.Count, 10, 29);
    }

    [Fact]
    public void Backoff_begins_anew_after_a_long_run()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(1));
        world.UntilConverged(web);
        world.Fail(world.Live(web)[0]);
        world.UntilConverged(web);
        world.Pass(RestartBackoff.LongRun);
        world.Fail(world.Live(web)[0]);
        world.Orchestrate();

        var next = Assert.Single(world.Live(web));
        Assert.Equal((0, world.Now + TimeSpan.FromSeconds(5)), (next.Attempt, next.NotBefore));
    }

    [Fact]
    public void A_slot_gives_up_after_its_attempts_and_says_so()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(2, World.CrashesAtStart, restart: new RestartPolicy { MaxAttempts = 3, Delay = TimeSpan.Zero }));
        world.Steps(60, seconds: 2);

        Assert.Empty(world.Live(web));
        Assert.Equal(8, world.Tasks(web).Count());
        Assert.EndsWith("exit code 1; gave up after 3 restarts", world.Tasks(web).First(task => task.Attempt == 3).Status.Message, StringComparison.Ordinal);
        var progress = world.Judge(web);
        Assert.Equal(ProgressVerdict.Paused, progress.Verdict);
        Assert.Contains("slot 2: failed: exit code 1; gave up after 3 restarts", progress.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_spec_gives_a_slot_that_gave_up_new_attempts()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(2, World.CrashesAtStart, restart: new RestartPolicy { MaxAttempts = 1, Delay = TimeSpan.Zero }));
        world.Steps(40);
        Assert.Empty(world.Live(web));

        world.SetImage(web, "web:2");
        world.UntilConverged(web);

        Assert.Equal(2, world.Running(web).Count);
    }

    [Fact]
    public void Attempts_outside_the_window_do_not_count()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(1, restart: new RestartPolicy { MaxAttempts = 1, Window = TimeSpan.FromMinutes(1) }));
        for (var at = 0; at < 3; at++)
        {
            world.UntilConverged(web);
            world.Pass(TimeSpan.FromMinutes(2));
            world.Fail(world.Live(web)[0]);
        }
        world.UntilConverged(web);
        world.Fail(world.Live(web)[0]);
        world.Steps(20);

        Assert.Empty(world.Live(web));
    }

    [Fact]
    public void A_service_that_completed_and_is_not_to_run_again_has_converged()
    {
        var world = World.Of(nodes: 1);
        var once = world.Create(Specs.Web(2, World.Completes, restart: new RestartPolicy { Condition = RestartCondition.OnFailure }));

        world.UntilConverged(once);

        Assert.Equal(2, world.Tasks(once).Count());
        Assert.Empty(world.Decide(once).Changes);
    }

    [Fact]
    public void A_dead_node_counts_no_attempt_and_heeds_no_condition()
    {
        var world = World.Of(nodes: 2);
        var web = world.Create(Specs.Web(2, restart: new RestartPolicy { Condition = RestartCondition.None }));
        world.UntilConverged(web);

        world.SetNode(world.Nodes[0], NodeState.Down);
        world.UntilConverged(web);

        Assert.Equal(2, world.Running(web).Count);
    }
}
