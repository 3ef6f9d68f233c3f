using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Scheduling;

public sealed class SchedulerTests
{
    private const long GiB = 1L << 30;
    private readonly SchedulingScene _scene = new();

    [Fact]
    public void Replicas_go_where_the_service_has_fewest_and_then_where_there_is_least_in_all()
    {
        var (a, b, c) = (_scene.Node("a"), _scene.Node("b"), _scene.Node("c"));
        var other = _scene.Service("other");
        _scene.TaskOn(other, 1, a);
        _scene.TaskOn(other, 2, a);
        _scene.TaskOn(other, 3, b);
        var web = _scene.Service("web", replicas: 4);

        _scene.Schedule();

        Assert.Equal([1, 1, 2], _scene.TasksPerNode(web, a, b, c));
    }

    [Theory]
    [InlineData(NodeState.Down, NodeAvailability.Active, "b is down")]
    [InlineData(NodeState.Disconnected, NodeAvailability.Active, "b is disconnected")]
    [InlineData(NodeState.Unknown, NodeAvailability.Active, "b has not been heard of")]
    [InlineData(NodeState.Ready, NodeAvailability.Drain, "b is drained")]
    [InlineData(NodeState.Ready, NodeAvailability.Pause, "b is paused")]
    public void A_node_that_is_not_ready_and_active_gets_nothing_and_the_task_says_why(
        NodeState state, NodeAvailability availability, string reason)
    {
        _scene.Node("b", state: state, availability: availability);
        var task = _scene.Task(_scene.Service("web"), 1);

        _scene.Schedule();

        Assert.Null(_scene.NodeOf(task));
        Assert.Equal($"no suitable node (not available on 1 node: {reason})", _scene.State.Tasks[task].Status.Err);
    }

    [Fact]
    public void A_task_that_fits_nowhere_says_how_much_is_missing_where_and_what_else_is_wrong()
    {
        var full = _scene.Node("node-1", memoryBytes: 2 * GiB);
        _scene.Node("node-2", memoryBytes: GiB);
        _scene.Node("node-3", memoryBytes: 8 * GiB, labels: ValueMap.Of("zone", "b"));
        _scene.TaskOn(_scene.Service("cache", SchedulingScene.Spec(new Resources(0, GiB / 2))), 1, full);
        var task = _scene.Task(_scene.Service("db", SchedulingScene.Spec(new Resources(0, 4 * GiB), constraints: "node.labels.zone==a")), 1);

        _scene.Schedule();

        Assert.Equal(
            "no suitable node (insufficient resources on 2 nodes: needs 4.0 GiB memory, 1.5 GiB free on node-1; "
            + "constraints not satisfied on 1 node: node.labels.zone==a)",
            _scene.State.Tasks[task].Status.Err);
    }

    [Fact]
    public void A_reason_is_given_again_only_when_it_changed()
    {
        _scene.Node("a", memoryBytes: GiB);
        _scene.Task(_scene.Service("db", SchedulingScene.Spec(new Resources(0, 4 * GiB))), 1);

        Assert.Single(_scene.Schedule());
        Assert.Empty(_scene.Schedule());
        _scene.Node("b", memoryBytes: 2 * GiB);
        Assert.IsType<Change.TaskObserved>(Assert.Single(_scene.Schedule()));
        _scene.Node("c", memoryBytes: 8 * GiB);
        Assert.IsType<Change.TaskAssigned>(Assert.Single(_scene.Schedule()));
    }

    [Fact]
    public void Without_nodes_the_task_says_that_there_are_none()
    {
        var task = _scene.Task(_scene.Service("web"), 1);
        _scene.Schedule();
        Assert.Contains("the cluster has no node", _scene.State.Tasks[task].Status.Err);
    }

    [Fact]
    public void A_fixed_port_is_given_once_a_node()
    {
        var (a, b) = (_scene.Node("a"), _scene.Node("b"));
        var web = _scene.Service("web", SchedulingScene.Spec(ports: [new PortConfig(80, 8080)]), replicas: 3);

        _scene.Schedule();

        Assert.Equal([1, 1], _scene.TasksPerNode(web, a, b));
        var waiting = Assert.Single(_scene.State.TasksOf(web), task => task.NodeId is null);
        Assert.Equal("no suitable node (host port taken on 2 nodes: 8080/tcp on a, 8080/tcp on b)", waiting.Status.Err);
    }

    [Fact]
    public void Udp_and_tcp_of_the_same_number_do_not_conflict()
    {
        var a = _scene.Node("a");
        _scene.TaskOn(_scene.Service("dns", SchedulingScene.Spec(ports: [new PortConfig(53, 53, PortProtocol.Udp)])), 1, a);
        var task = _scene.Task(_scene.Service("web", SchedulingScene.Spec(ports: [new PortConfig(53, 53)])), 1);

        _scene.Schedule();

        Assert.Equal(a, _scene.NodeOf(task));
    }

    [Fact]
    public void Spreading_evens_zones_before_nodes_and_overflows_when_a_zone_is_full()
    {
        var a1 = _scene.Node("a1", labels: ValueMap.Of("zone", "a"));
        var b1 = _scene.Node("b1", labels: ValueMap.Of("zone", "b"));
        var b2 = _scene.Node("b2", labels: ValueMap.Of("zone", "b"));
        var even = _scene.Service("even", SchedulingScene.Spec(spread: ["node.labels.zone"]), replicas: 8);
        var limited = _scene.Service("limited", SchedulingScene.Spec(spread: ["node.labels.zone"], maxReplicasPerNode: 2), replicas: 6);

        _scene.Schedule();

        Assert.Equal([4, 2, 2], _scene.TasksPerNode(even, a1, b1, b2));
        Assert.Equal([2, 2, 2], _scene.TasksPerNode(limited, a1, b1, b2));
    }

    [Fact]
    public void A_node_on_which_the_spec_keeps_failing_comes_last_for_five_minutes()
    {
        var (bad, good) = (_scene.Node("bad"), _scene.Node("good"));
        var web = _scene.Service("web");
        for (var i = 0; i < 5; i++)
            _scene.Ended(_scene.TaskOn(web, 1, bad), TaskState.Failed);
        _scene.TaskOn(web, 2, good);
        _scene.TaskOn(web, 3, good);

        var soon = _scene.Task(web, 1);
        _scene.Schedule();
        Assert.Equal(good, _scene.NodeOf(soon));

        _scene.Now += TimeSpan.FromMinutes(5);
        var later = _scene.Task(web, 4);
        _scene.Schedule();
        Assert.Equal(bad, _scene.NodeOf(later));
    }

    [Fact]
    public void A_prepared_successor_takes_its_predecessors_place_although_the_node_is_full()
    {
        var a = _scene.Node("a", memoryBytes: GiB);
        var spec = SchedulingScene.Spec(new Resources(0, GiB), maxReplicasPerNode: 1, ports: [new PortConfig(80, 80)]);
        var web = _scene.Service("web", spec);
        _scene.TaskOn(web, 1, a);
        var successor = _scene.Task(web, 1, TaskState.Ready);
        var stranger = _scene.Task(_scene.Service("db", SchedulingScene.Spec(new Resources(0, 1))), 1);

        _scene.Schedule();

        Assert.Equal(a, _scene.NodeOf(successor));
        Assert.Null(_scene.NodeOf(stranger));
    }

    [Fact]
    public void Several_successors_fit_beside_their_predecessors_in_one_pass_and_in_several()
    {
        var a = _scene.Node("a", memoryBytes: 3 * GiB);
        var web = _scene.Service("web", SchedulingScene.Spec(new Resources(0, GiB), maxReplicasPerNode: 3));
        for (var slot = 1; slot <= 3; slot++)
            _scene.TaskOn(web, slot, a);
        var first = _scene.Task(web, 1, TaskState.Ready);
        _scene.Schedule();
        var second = _scene.Task(web, 2, TaskState.Ready);
        var third = _scene.Task(web, 3, TaskState.Ready);
        _scene.Schedule();

        Assert.All([first, second, third], task => Assert.Equal(a, _scene.NodeOf(task)));
    }

    [Fact]
    public void A_successor_that_starts_at_once_needs_room_of_its_own()
    {
        var a = _scene.Node("a", memoryBytes: GiB);
        var web = _scene.Service("web", SchedulingScene.Spec(new Resources(0, GiB)));
        _scene.TaskOn(web, 1, a);
        var successor = _scene.Task(web, 1);

        _scene.Schedule();

        Assert.Null(_scene.NodeOf(successor));
    }

    [Fact]
    public void Replacing_slots_one_after_the_other_keeps_the_service_balanced()
    {
        NodeId[] nodes = [_scene.Node("a"), _scene.Node("b"), _scene.Node("c")];
        var web = _scene.Service("web", replicas: 6);
        _scene.Schedule();
        for (var slot = 1; slot <= 6; slot++)
        {
            var old = _scene.State.TasksOf(web).Single(task => task.Slot == slot);
            var successor = _scene.Task(web, slot, slot % 2 == 0 ? TaskState.Ready : TaskState.Running);
            _scene.Schedule();
            _scene.Desire(old.Id, TaskState.Shutdown);
            _scene.Ended(old.Id, TaskState.Shutdown);
            _scene.Desire(successor, TaskState.Running);
        }
        Assert.Equal([2, 2, 2], _scene.TasksPerNode(web, nodes));
    }

    [Fact]
    public void A_global_task_is_checked_on_its_own_node_only()
    {
        var a = _scene.Node("a", memoryBytes: GiB);
        var b = _scene.Node("b", memoryBytes: 8 * GiB);
        var agent = _scene.Service("agent", SchedulingScene.Spec(new Resources(0, 2 * GiB)));
        var onA = _scene.Task(agent, 0, node: a);
        var onB = _scene.Task(agent, 0, node: b);

        _scene.Schedule();

        Assert.Equal(TaskState.Pending, _scene.State.Tasks[onA].State);
        Assert.Equal(
            "its node a cannot take it (insufficient resources: needs 2.0 GiB memory, 1.0 GiB free on a)",
            _scene.State.Tasks[onA].Status.Err);
        Assert.Equal(TaskState.Assigned, _scene.State.Tasks[onB].State);
    }

    [Fact]
    public void A_host_of_another_system_is_left_out()
    {
        _scene.Node("win", os: "windows");
        var task = _scene.Task(_scene.Service("web"), 1);
        _scene.Schedule();
        Assert.Equal("no suitable node (not a Linux host on 1 node: win runs windows)", _scene.State.Tasks[task].Status.Err);
    }
}
