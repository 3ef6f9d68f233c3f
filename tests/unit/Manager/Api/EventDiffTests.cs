using System.Collections.Immutable;
using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using CsCheck;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class EventDiffTests
{
    private static readonly Cluster Base = new Cluster().Node(1, "n1").Service(1, "web", 2).Task(1, 1, 1, 1, TaskState.Starting);

    private static ImmutableArray<V1.Event> Diff(ClusterState before, ClusterState after) =>
        EventDiff.Between(before, after, Touched.Everything, Cluster.Start);

    [Fact]
    public void The_same_state_has_no_events()
    {
        Assert.Empty(Diff(Base.State, Base.State));
    }

    [Fact]
    public void A_first_deploy_is_one_create_for_each_object()
    {
        var events = Diff(ClusterState.Empty, new Cluster().Stack(1, "shop").Service(1, "shop_web", 3).State);
        Assert.Equal([("stack", "create", "shop"), ("service", "create", "shop_web")], events.Select(item => (item.Type, item.Action, item.Name)));
        Assert.Equal("replicated:3", events[1].Attributes["mode"]);
    }

    [Fact]
    public void An_update_names_what_changed_as_docker_does()
    {
        var before = new Cluster().Service(1, "web", 2).State;
        var after = new Cluster().Service(1, "web", 4, service => service with
        {
            Version = 8,
            Spec = service.Spec with { Task = new TaskSpec { Container = new ContainerSpec { Image = "web:2" } } },
            Rollout = new Rollout { State = RolloutState.Updating, StartedAt = Cluster.Start, Message = "update in progress" },
        }).State;

        var update = Assert.Single(Diff(before, after));
        Assert.Equal(("service", "update"), (update.Type, update.Action));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["name"] = "web",
                ["image.old"] = "web:1",
                ["image.new"] = "web:2",
                ["replicas.old"] = "2",
                ["replicas.new"] = "4",
                ["updatestate.old"] = "",
                ["updatestate.new"] = "updating",
                ["message"] = "update in progress",
            },
            update.Attributes);
    }

    [Fact]
    public void A_task_that_was_told_to_stop_says_why_when_it_ends()
    {
        var after = new Cluster().Node(1, "n1").Service(1, "web", 2).Task(
            1, 1, 1, 1, TaskState.Shutdown, TaskState.Shutdown, task => task with { StopReason = "its node is drained" }).State;

        Assert.Equal("its node is drained", Assert.Single(Diff(Base.State, after)).Attributes["reason"]);
        Assert.Equal("shutdown: its node is drained", LogSources.Ending(Assert.Single(after.Tasks.Values)));
    }

    [Fact]
    public void A_task_that_failed_says_where_and_why()
    {
        var after = new Cluster().Node(1, "n1").Service(1, "web", 2).Task(1, 1, 1, 1, TaskState.Failed, edit: task => task with
        {
            Status = task.Status with { Err = "exit code 3", ExitCode = 3 },
        }).State;

        var failed = Assert.Single(Diff(Base.State, after));
        Assert.Equal(("task", "failed", "web.1"), (failed.Type, failed.Action, failed.Name));
        Assert.Equal(("n1", "exit code 3", "3"), (failed.Attributes["node"], failed.Attributes["error"], failed.Attributes["exitcode"]));
    }

    [Fact]
    public void A_pending_task_is_told_again_when_the_reason_changes()
    {
        var before = new Cluster().Service(1, "web").Task(1, 1, 1, null, TaskState.Pending).State;
        var after = before.Observe([new Change.TaskObserved(Cluster.TaskId(1), before.Tasks[Cluster.TaskId(1)].Status with { Err = "no node fits" })]);
        var told = Assert.Single(Diff(before, after));
        Assert.Equal(("pending", "no node fits"), (told.Action, told.Attributes["error"]));
    }

    [Fact]
    public void A_node_that_goes_down_and_is_drained_says_both()
    {
        var after = new Cluster().Node(1, "n1", NodeState.Down, NodeAvailability.Drain).Service(1, "web", 2).Task(1, 1, 1, 1, TaskState.Starting).State;
        var events = Diff(Base.State, after);
        Assert.Equal([("node", "update"), ("node", "down")], events.Select(item => (item.Type, item.Action)));
        Assert.Equal("drain", events[0].Attributes["availability.new"]);
        Assert.Equal("ready", events[1].Attributes["state.old"]);
    }

    [Fact]
    public void What_is_removed_keeps_the_name_it_had()
    {
        var events = Diff(Base.State, ClusterState.Empty);
        Assert.Equal(
            [("service", "remove", "web"), ("node", "remove", "n1"), ("task", "remove", "web.1")],
            events.Select(item => (item.Type, item.Action, item.Name)));
    }

    [Fact]
    public void Objects_that_were_not_touched_are_not_looked_at()
    {
        Assert.Empty(EventDiff.Between(Base.State, new Cluster().State, Touched.Nothing, Cluster.Start));
    }

    [Fact]
    public void Naming_too_many_objects_adds_no_event()
    {
        var states = Gen.Int[0, 3].Array[6].Select(Any);
        Gen.Select(states, states).Sample((before, after) =>
        {
            var exact = new Touched(
                false,
                [.. before.Services.Keys.Union(after.Services.Keys).Where(id => before.Services.GetValueOrDefault(id) != after.Services.GetValueOrDefault(id))],
                [.. before.Nodes.Keys.Union(after.Nodes.Keys).Where(id => before.Nodes.GetValueOrDefault(id) != after.Nodes.GetValueOrDefault(id))],
                [.. before.Tasks.Keys.Union(after.Tasks.Keys).Where(id => before.Tasks.GetValueOrDefault(id) != after.Tasks.GetValueOrDefault(id))]);
            return Diff(before, after).SequenceEqual(EventDiff.Between(before, after, exact, Cluster.Start));
        });
    }

    // Six small numbers choose which objects there are and how they stand.
    private static ClusterState Any(int[] choices)
    {
        var cluster = new Cluster();
        TaskState[] steps = [TaskState.Pending, TaskState.Running, TaskState.Failed];
        if (choices[0] > 0)
            cluster.Node(1, "n1", (NodeState)choices[0]);
        if (choices[1] > 0)
            cluster.Service(1, "web", choices[2], service => service with { Version = choices[2] });
        if (choices[3] > 0)
            cluster.Task(1, 1, 1, 1, steps[choices[3] - 1]);
        if (choices[4] > 0)
            cluster.Task(2, 1, 2, null, steps[choices[4] - 1]);
        if (choices[5] > 0)
            cluster.Stack(1, "shop");
        return cluster.State;
    }
}
