using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;
using Berth.Tests.Manager.Orchestration;

namespace Berth.Tests.Manager.Updates;

public sealed class RollingUpdateTests
{
    private static readonly UpdateConfig RollsBack = new() { FailureAction = FailureAction.Rollback };

    [Fact]
    public void An_update_replaces_as_many_slots_at_once_as_parallelism_says_and_ends_completed()
    {
        var (world, web) = Converged(Specs.Web(5, update: new UpdateConfig { Parallelism = 2 }));
        world.Invariant = w => w.Demand(w.Running(web).Count >= 5 && w.Live(web).Count <= 7);

        world.SetImage(web, "web:2");
        world.UntilConverged(web);

        Assert.All(world.Running(web), task => Assert.Equal("web:2", task.Spec.Container.Image));
        Assert.Equal(RolloutState.Completed, world.Service(web).Rollout!.State);
    }

    [Fact]
    public void Stop_first_stops_an_old_task_only_once_the_new_one_is_placed_and_pulled()
    {
        var (world, web) = Converged(Specs.Web(3, update: new UpdateConfig { Order = UpdateOrder.StopFirst }));
        world.Invariant = w =>
        {
            w.Demand(w.Running(web).Count >= 2);
            foreach (var old in w.Tasks(web).Where(task => task is { SpecVersion: 1, DesiredState: TaskState.Shutdown, State: TaskState.Running }))
                Assert.Contains(w.Live(web), task => task.Slot == old.Slot && task.SpecVersion == 2 && task.State >= TaskState.Ready);
        };

        world.SetImage(web, "web:2");

        world.UntilConverged(web);
    }

    [Theory]
    [InlineData(UpdateOrder.StartFirst)]
    [InlineData(UpdateOrder.StopFirst)]
    [InlineData(UpdateOrder.Auto)]
    public void An_image_that_cannot_be_pulled_costs_no_replica_and_pauses_with_the_reason(UpdateOrder order)
    {
        var (world, web) = Converged(Specs.Web(3, update: new UpdateConfig { Order = order }));
        world.Invariant = w => w.Demand(w.Running(web).Count >= 3);

        world.SetImage(web, World.Unpullable);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.Paused);

        Assert.Equal("update paused: 1 of 3 slots failed: slot 1: rejected: no such image", world.Judge(web).Reason);
        world.Steps(100);
        Assert.Equal(4, world.Tasks(web).Count());
        Assert.Equal(3, world.Running(web).Count);
    }

    [Fact]
    public void A_crashing_image_rolls_back_by_itself()
    {
        var (world, web) = Converged(Specs.Web(3, update: RollsBack));

        world.SetImage(web, World.CrashesLater);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.RolledBack);

        Assert.All(world.Running(web), task => Assert.Equal("web:1", task.Spec.Container.Image));
        Assert.Equal(3, world.Running(web).Count);
        Assert.StartsWith("update rolled back: 1 of 3 slots failed: slot 1: failed: exit code 2", world.Judge(web).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rollback_that_fails_pauses_and_is_never_rolled_back()
    {
        var (world, web) = Converged(Specs.Web(3, update: RollsBack));
        world.SetImage(web, World.CrashesLater);
        world.Until(w => w.Service(web).Rollout!.State == RolloutState.RollbackStarted);
        world.Breaks = task => task.SpecVersion == 1;

        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.RollbackPaused);
        world.Steps(50);

        Assert.Equal(1, world.Service(web).SpecVersion);
        Assert.Equal(ProgressVerdict.RollbackPaused, world.Judge(web).Verdict);
    }

    [Fact]
    public void Failures_under_the_ratio_do_not_stop_an_update()
    {
        var (world, web) = Converged(Specs.Web(4, update: new UpdateConfig { MaxFailureRatio = 0.3 }));
        var broken = 0;
        world.Breaks = task => task.SpecVersion == 2 && broken++ == 0;

        world.SetImage(web, "web:2");
        world.UntilConverged(web);

        Assert.Equal("update completed after 1 failed tasks", world.Service(web).Rollout!.Message);
    }

    [Fact]
    public void Continue_goes_on_to_the_next_slot_and_comes_back_to_those_that_failed()
    {
        var (world, web) = Converged(Specs.Web(3, update: new UpdateConfig { FailureAction = FailureAction.Continue }));
        world.Breaks = task => task.SpecVersion == 2 && task.Slot == 1;
        world.SetImage(web, "web:2");

        world.Until(w => w.Running(web).Count(task => task.SpecVersion == 2) == 2);
        Assert.Equal(3, world.Running(web).Count);

        world.Breaks = _ => false;
        world.UntilConverged(web);
    }

    [Fact]
    public void An_update_that_makes_no_progress_pauses_at_its_deadline_with_the_reason()
    {
        var (world, web) = Converged(Specs.Web(3));

        world.Revise(web, spec => Specs.Web(3, "web:2").Constrained("node.labels.zone==nowhere"));
        world.Steps(2);
        Assert.Equal("slot 1: pending: no suitable node; slot 2: waits for its turn to be updated; slot 3: waits for its turn to be updated",
            world.Judge(web).Reason);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.Paused, seconds: 10);

        Assert.StartsWith("update paused: no slot came to run the new spec for 10 minutes: slot 1: pending: no suitable node",
            world.Judge(web).Reason, StringComparison.Ordinal);
        Assert.Equal(3, world.Running(web).Count);
    }

    [Fact]
    public void Time_without_a_manager_does_not_count_towards_the_deadline()
    {
        var (world, web) = Converged(Specs.Web(2, update: RollsBack));
        world.SetImage(web, World.NeverHealthy);
        world.Steps(4);

        world.Pass(TimeSpan.FromHours(1));
        world.Commit(new Change.LeaderElected(2));
        world.Steps(2);
        Assert.Equal(RolloutState.Updating, world.Service(web).Rollout!.State);

        world.Pass(TimeSpan.FromMinutes(11));
        world.Steps(2);
        Assert.NotEqual(RolloutState.Updating, world.Service(web).Rollout!.State);
    }

    [Fact]
    public void A_container_that_never_becomes_healthy_rolls_back_at_the_deadline()
    {
        var (world, web) = Converged(Specs.Web(2, update: RollsBack));

        world.SetImage(web, World.NeverHealthy);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.RolledBack, seconds: 10);

        Assert.Contains("starting: started", world.Judge(web).Reason, StringComparison.Ordinal);
        Assert.Equal(2, world.Running(web).Count);
    }

    [Fact]
    public void A_newer_spec_ends_the_running_update_and_starts_over()
    {
        var (world, web) = Converged(Specs.Web(4));
        world.SetImage(web, World.NeverHealthy);
        world.Steps(10);

        world.SetImage(web, "web:3");
        world.UntilConverged(web);

        Assert.All(world.Running(web), task => Assert.Equal("web:3", task.Spec.Container.Image));
        Assert.Equal(4, world.Live(web).Count);
    }

    [Fact]
    public void A_change_of_placement_alone_keeps_tasks_that_still_suit()
    {
        var (world, web) = Converged(Specs.Web(4));
        world.Edit(world.Nodes[0], spec => spec with { Labels = ValueMap.Of("zone", "a") });
        var staying = world.Running(web).Where(task => task.NodeId == world.Nodes[0]).Select(task => task.Id).ToList();
        Assert.NotEmpty(staying);

        world.Revise(web, spec => spec.Constrained("node.labels.zone==a"));
        world.UntilConverged(web);

        Assert.All(world.Running(web), task => Assert.Equal((world.Nodes[0], 2), (task.NodeId!.Value, task.SpecVersion)));
        Assert.All(staying, id => Assert.Equal(TaskState.Running, world.State.Tasks[id].State));
    }

    [Fact]
    public void The_delay_passes_between_one_slot_and_the_next()
    {
        var (world, web) = Converged(Specs.Web(3, update: new UpdateConfig { Delay = TimeSpan.FromSeconds(30) }));
        world.SetImage(web, "web:2");
        world.Until(w => w.Running(web).Any(task => task.SpecVersion == 2));
        world.Steps(50);
        Assert.Single(world.Live(web), task => task.SpecVersion == 2);

        world.Until(w => w.Live(web).Count(task => task.SpecVersion == 2) == 2, steps: 20);
        world.UntilConverged(web);
    }

    [Fact]
    public void Slots_added_during_an_update_start_at_once_with_the_new_spec_and_removed_ones_leave()
    {
        var (world, web) = Converged(Specs.Web(4));
        world.SetImage(web, "web:2");
        world.Steps(3);

        world.Scale(web, 6);
        world.Orchestrate();
        Assert.Equal([2, 2], world.Live(web).Where(task => task.Slot > 4).Select(task => task.SpecVersion));

        world.Scale(web, 2);
        world.UntilConverged(web);
        Assert.Equal(2, world.Live(web).Count);
    }

    [Fact]
    public void A_service_with_nothing_running_updates_to_a_spec_that_works()
    {
        var (world, web) = (World.Of(nodes: 2), default(ServiceId));
        web = world.Create(Specs.Web(3, World.CrashesAtStart));
        world.Steps(60);

        world.SetImage(web, "web:2");
        world.UntilConverged(web, steps: 60);

        Assert.Equal(3, world.Running(web).Count);
    }

    [Fact]
    public void While_an_update_is_paused_a_dead_nodes_tasks_come_back_as_they_were()
    {
        var (world, web) = Converged(Specs.Web(6));
        world.SetImage(web, World.Unpullable);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.Paused);

        world.SetNode(world.Nodes[0], NodeState.Down);
        world.Until(w => w.Running(web).Count == 6);

        Assert.All(world.Running(web), task => Assert.Equal("web:1", task.Spec.Container.Image));
    }

    [Fact]
    public void A_drained_node_empties_while_an_update_is_paused()
    {
        var (world, web) = Converged(Specs.Web(6));
        world.SetImage(web, World.Unpullable);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.Paused);

        world.Availability(world.Nodes[0], NodeAvailability.Drain);
        world.Until(w => !w.State.TasksOn(w.Nodes[0]).Any(task => !task.State.IsTerminal()));

        Assert.All(world.Running(web), task => Assert.Equal("web:1", task.Spec.Container.Image));
        Assert.Equal(6, world.Running(web).Count);
    }

    [Fact]
    public void A_person_can_roll_back_and_roll_forward_again()
    {
        var (world, web) = Converged(Specs.Web(3));
        world.SetImage(web, "web:2");
        world.UntilConverged(web);

        world.RollBack(web);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.RolledBack);
        Assert.All(world.Running(web), task => Assert.Equal(1, task.SpecVersion));

        world.RollBack(web);
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.RolledBack);
        Assert.All(world.Running(web), task => Assert.Equal(2, task.SpecVersion));
    }

    [Fact]
    public void A_rollback_stops_replacements_on_their_way_and_starts_none_of_them()
    {
        var (world, web) = Converged(Specs.Web(3).WithFixedPort());
        world.SetImage(web, "web:2");
        world.Until(w => w.Live(web).Any(task => task is { SpecVersion: 2, State: TaskState.Preparing }));

        world.RollBack(web);
        var told = world.Decide(web).Changes.OfType<Change.TaskDesired>().ToList();

        Assert.Equal([TaskState.Shutdown], told.Select(change => change.DesiredState));
        world.Until(w => w.Judge(web).Verdict == ProgressVerdict.RolledBack);
        Assert.All(world.Running(web), task => Assert.Equal(1, task.SpecVersion));
    }

    [Fact]
    public void A_global_service_rolls_node_by_node()
    {
        var (world, everywhere) = Converged(Specs.Global());
        world.Invariant = w => w.Demand(w.Running(everywhere).Count >= 3 && w.Live(everywhere).Count <= 4);

        world.SetImage(everywhere, "web:2");
        world.UntilConverged(everywhere);

        Assert.All(world.Running(everywhere), task => Assert.Equal("web:2", task.Spec.Container.Image));
    }

    [Fact]
    public void A_task_that_fails_after_the_monitor_time_is_no_failure_of_the_update()
    {
        var (world, web) = Converged(Specs.Web(2, update: new UpdateConfig { Monitor = TimeSpan.FromSeconds(1), Delay = TimeSpan.FromSeconds(60) }));
        world.SetImage(web, "web:2");
        world.Until(w => w.Running(web).Any(task => task.SpecVersion == 2));
        world.Pass(TimeSpan.FromSeconds(10));

        world.Fail(world.Running(web).First(task => task.SpecVersion == 2));
        world.UntilConverged(web);

        Assert.Empty(world.Service(web).Rollout!.Failed);
    }

    [Theory]
    [InlineData(UpdateOrder.Auto, false, true)]
    [InlineData(UpdateOrder.Auto, true, false)]
    [InlineData(UpdateOrder.StartFirst, true, true)]
    [InlineData(UpdateOrder.StopFirst, false, false)]
    public void The_order_is_start_first_where_the_two_can_run_side_by_side(UpdateOrder order, bool port, bool startsFirst)
    {
        var spec = port ? Specs.Web().WithFixedPort() : Specs.Web();

        Assert.Equal(startsFirst, RolloutRules.StartsFirst(new UpdateConfig { Order = order }, spec.Task, spec.Task));
        Assert.True(RolloutRules.StartsFirst(new UpdateConfig(), Specs.Web().Task, spec.Task));
    }

    private static (World World, ServiceId Service) Converged(ServiceSpec spec)
    {
        var world = World.Of(nodes: 3);
        var service = world.Create(spec);
        world.UntilConverged(service);
        return (world, service);
    }
}
