using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Orchestration;

public sealed class ServiceDeciderTests
{
    [Fact]
    public void A_new_service_gets_slots_from_one_in_one_decision()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(3));

        var created = world.Decide(web).Changes.Cast<Change.TaskCreated>().ToList();

        Assert.Equal([1, 2, 3], created.Select(task => task.Slot));
        Assert.All(created, task => Assert.Equal(TaskState.Running, task.DesiredState));
    }

    [Fact]
    public void A_service_that_is_as_wanted_is_left_alone()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(3));
        world.UntilConverged(web);

        Assert.Empty(world.Decide(web).Changes);
        Assert.Null(world.Decide(web).AskAgainAt);
    }

    [Fact]
    public void Scaling_down_takes_what_does_not_run_first_then_from_the_fullest_node_then_the_highest_slot()
    {
        var world = World.Of(nodes: 2);
        var web = world.Create(Specs.Web(5));
        world.UntilConverged(web);
        var fullest = world.Running(web).GroupBy(task => task.NodeId).MaxBy(group => group.Count())!;
        world.Fail(world.Live(web)[0]);
        world.Orchestrate();

        world.Scale(web, 3);
        world.Orchestrate();

        var kept = world.Live(web).Select(task => task.Slot).ToList();
        var highest = fullest.Where(task => task.Slot != 1).Max(task => task.Slot);
        Assert.Equal(3, kept.Count);
        Assert.DoesNotContain(1, kept);
        Assert.DoesNotContain(fullest.Count(task => task.Slot != 1) >= 3 ? highest : 5, kept);
    }

    [Fact]
    public void Scaling_up_again_fills_the_lowest_free_slots_and_keeps_the_rest()
    {
        var world = World.Of(nodes: 2);
        var web = world.Create(Specs.Web(4));
        world.UntilConverged(web);
        var before = world.Live(web).Select(task => task.Id).ToHashSet();
        world.Scale(web, 2);
        world.Steps(4);
        Assert.Equal(2, world.Tasks(web).Count());

        world.Scale(web, 4);
        world.UntilConverged(web);

        Assert.Equal([1, 2, 3, 4], world.Live(web).Select(task => task.Slot));
        Assert.Equal(2, world.Live(web).Count(task => before.Contains(task.Id)));
    }

    [Fact]
    public void Tasks_of_a_dead_node_are_replaced_at_once_and_stopped_when_it_returns()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(6));
        world.UntilConverged(web);
        var dead = world.Nodes[0];
        var lost = world.State.TasksOn(dead).ToList();
        Assert.NotEmpty(lost);

        world.SetNode(dead, NodeState.Down);
        world.Orchestrate();

        Assert.All(lost, task => Assert.Equal(TaskState.Shutdown, world.State.Tasks[task.Id].DesiredState));
        Assert.Equal(6, world.Live(web).Count);
        Assert.All(world.Live(web), task => Assert.Equal((TaskState.Running, 0, null), (task.DesiredState, task.Attempt, task.NotBefore)));
        world.UntilConverged(web);

        world.SetNode(dead, NodeState.Ready);
        world.UntilConverged(web);
        Assert.Equal(6, world.Running(web).Count);
        Assert.DoesNotContain(world.State.TasksOn(dead), task => task.IsLive);
    }

    [Theory]
    [InlineData(NodeState.Unknown)]
    [InlineData(NodeState.Disconnected)]
    public void Tasks_on_a_node_that_may_still_come_back_are_left_alone(NodeState state)
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(6));
        var everywhere = world.Create(Specs.Global() with { Name = "everywhere" });
        world.UntilConverged(web);
        world.UntilConverged(everywhere);

        world.SetNode(world.Nodes[0], state);

        Assert.Empty(world.Decide(web).Changes);
        Assert.Empty(world.Decide(everywhere).Changes);
    }

    [Fact]
    public void A_global_service_covers_nodes_that_come_and_leaves_nodes_that_no_longer_fit()
    {
        var world = World.Of(nodes: 0);
        var labelled = world.AddNode("a", ValueMap.Of("zone", "x"));
        world.AddNode("b");
        var service = world.Create(Specs.Global().Constrained("node.labels.zone==x"));
        world.UntilConverged(service);
        Assert.Equal([labelled], world.Running(service).Select(task => task.NodeId!.Value));

        var late = world.AddNode("c", ValueMap.Of("zone", "x"));
        world.UntilConverged(service);
        Assert.Equal(2, world.Running(service).Count);

        world.Edit(labelled, spec => spec with { Labels = ValueMap.Empty });
        world.UntilConverged(service);
        Assert.Equal([late], world.Running(service).Select(task => task.NodeId!.Value));
    }

    [Fact]
    public void A_paused_node_keeps_its_global_task_and_gets_no_new_one()
    {
        var world = World.Of(nodes: 2);
        var service = world.Create(Specs.Global());
        world.UntilConverged(service);
        world.Availability(world.Nodes[0], NodeAvailability.Pause);
        var fresh = world.AddNode("fresh");
        world.Availability(fresh, NodeAvailability.Pause);

        world.SetImage(service, "web:2");
        world.UntilConverged(service);

        Assert.Equal("web:1", Assert.Single(world.State.TasksOn(world.Nodes[0])).Spec.Container.Image);
        Assert.Empty(world.State.TasksOn(fresh));

        world.Availability(world.Nodes[0], NodeAvailability.Active);
        world.Until(w => w.Running(service).Count(task => task.Spec.Container.Image == "web:2") == 2);
    }

    [Fact]
    public void Removing_a_service_leaves_no_task_behind()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(6));
        world.UntilConverged(web);
        world.SetNode(world.Nodes[0], NodeState.Down);

        world.RemoveService(web);
        Assert.Equal(ProgressVerdict.Converging, world.Judge(web).Verdict);
        world.Steps(4);

        Assert.Empty(world.State.Tasks);
        Assert.Equal(ProgressVerdict.Removed, world.Judge(web).Verdict);
    }

    [Fact]
    public void History_keeps_five_ended_tasks_a_slot()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(1, World.CrashesAtStart));
        for (var at = 0; at < 12; at++)
            world.Steps(8, seconds: 60);

        Assert.InRange(world.Tasks(web).Count(task => task.State.IsTerminal()), 5, 6);
    }

    [Fact]
    public void Tasks_of_a_node_that_is_no_member_any_more_are_replaced_and_end_as_orphaned()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(3));
        world.UntilConverged(web);

        world.RemoveNode(world.Nodes[0]);
        world.UntilConverged(web);

        Assert.Equal(3, world.Running(web).Count);
        Assert.All(world.Tasks(web).Where(task => task.NodeId == world.Nodes[0]), task => Assert.Equal(TaskState.Orphaned, task.State));
    }

    [Fact]
    public void Draining_a_node_moves_its_tasks_without_a_gap()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(6, update: new UpdateConfig { Parallelism = 1 }));
        world.UntilConverged(web);
        world.Invariant = w => w.Demand(w.Running(web).Count >= 6);

        world.Availability(world.Nodes[0], NodeAvailability.Drain);
        world.Until(w => !w.State.TasksOn(w.Nodes[0]).Any(task => !task.State.IsTerminal()));

        world.UntilConverged(web);
    }

    [Fact]
    public void Draining_stop_first_services_waits_for_each_replacement()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(6, update: new UpdateConfig { Parallelism = 1 }).WithFixedPort());
        world.UntilConverged(web);
        world.Invariant = w => w.Demand(w.Running(web).Count >= 5);

        world.Availability(world.Nodes[0], NodeAvailability.Drain);
        world.Until(w => !w.State.TasksOn(w.Nodes[0]).Any(task => !task.State.IsTerminal()));

        world.UntilConverged(web);
    }

    [Fact]
    public void A_drain_whose_replacements_do_not_come_up_harms_one_slot_at_most()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(6).WithFixedPort());
        world.UntilConverged(web);
        world.Breaks = _ => true;

        world.Availability(world.Nodes[0], NodeAvailability.Drain);
        world.Steps(60, seconds: 1);

        world.Demand(world.Running(web).Count == 5);
        world.Breaks = _ => false;
        world.UntilConverged(web);
        Assert.Empty(world.State.TasksOn(world.Nodes[0]).Where(task => task.IsLive).ToList());
    }

    [Fact]
    public void A_decision_about_thirty_thousand_replicas_creates_them_all_at_once()
    {
        var world = World.Of(nodes: 3);
        var web = world.Create(Specs.Web(30_000));

        Assert.Equal(30_000, world.Decide(web).Changes.Length);
    }
}
