using Berth.Manager.Api;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class TaskRowsTests
{
    private static readonly Cluster Two = new Cluster()
        .Node(1, "n1").Node(2, "n2", NodeState.Down)
        .Service(1, "web", 12).Service(2, "agent", null)
        .Task(10, 1, 10, 1).Task(11, 1, 2, 1, TaskState.Failed).Task(12, 1, 2, 2)
        .Task(13, 2, 0, 2).Task(14, 2, 0, 1);

    [Fact]
    public void A_task_is_named_after_its_slot_and_in_a_global_service_after_its_node()
    {
        var state = Two.State;
        Assert.Equal("web.10", TaskNames.Of(state, state.Tasks[Cluster.TaskId(10)]));
        Assert.Equal($"agent.{Cluster.NodeId(2)}", TaskNames.Of(state, state.Tasks[Cluster.TaskId(13)]));
    }

    [Fact]
    public void Tasks_of_a_service_that_is_gone_are_named_after_its_id()
    {
        var state = new Cluster().Task(1, 9, 3, null, TaskState.Pending).State;
        Assert.Equal($"{Cluster.ServiceId(9)}.3", TaskNames.Of(state, state.Tasks[Cluster.TaskId(1)]));
    }

    [Fact]
    public void Rows_are_sorted_by_service_then_slot_as_a_number_then_newest_first()
    {
        var state = Two.State;
        var names = TaskRows.Sort(state, state.Tasks.Values).Select(task => (int)(UInt128)task.Id.Value);
        Assert.Equal([14, 13, 12, 11, 10], names);
    }

    [Fact]
    public void A_row_says_where_the_task_is_and_how_that_node_is()
    {
        var state = Two.State;
        var row = new TaskRows(state).Full(state.Tasks[Cluster.TaskId(12)]);
        Assert.Equal(("web.2", "web", "n2", V1.NodeState.Down), (row.Name, row.ServiceName, row.NodeHostname, row.NodeState));
        Assert.Equal("web:1", row.Task.Spec.Container.Image);
        Assert.Null(new TaskRows(state).Brief(state.Tasks[Cluster.TaskId(12)]).Task.Spec);
    }

    [Fact]
    public void Running_leaves_out_tasks_on_nodes_that_are_down()
    {
        Assert.Equal(1, ServiceCounts.Running(Two.State, Cluster.ServiceId(1)));
    }

    [Fact]
    public void Desired_is_the_replicas_asked_for()
    {
        Assert.Equal(12, ServiceCounts.Desired(Two.State, Two.State.Services[Cluster.ServiceId(1)]));
    }

    [Theory]
    [InlineData(false, 5)]
    [InlineData(true, 3)]
    public void Filters_narrow_the_tasks(bool isNarrowed, int count)
    {
        var request = new V1.ListTasksRequest();
        if (isNarrowed)
        {
            request.Services.Add("web");
            request.Services.Add(Cluster.ServiceId(2).ToString());
            request.Nodes.Add("n1");
        }
        Assert.Equal(count, TaskCalls.Select(Two.State, request).Count());
    }

    [Fact]
    public void Live_only_leaves_out_what_has_ended()
    {
        var tasks = TaskCalls.Select(Two.State, new V1.ListTasksRequest { Services = { "web" }, LiveOnly = true });
        Assert.Equal([10, 12], tasks.Select(task => (int)(UInt128)task.Id.Value).Order());
    }

    [Fact]
    public void A_filter_that_names_nothing_is_refused()
    {
        var error = Assert.Throws<Grpc.Core.RpcException>(() =>
            TaskCalls.Select(Two.State, new V1.ListTasksRequest { Services = { "wbe" } }).ToList());
        Assert.Equal(Grpc.Core.StatusCode.NotFound, error.StatusCode);
        Assert.Contains("wbe", error.Status.Detail);
    }

    [Fact]
    public void A_stack_without_services_has_no_tasks()
    {
        var state = new Cluster().Stack(1, "empty").Service(1, "web").Task(1, 1, 1, null, TaskState.Pending).State;
        Assert.Empty(TaskCalls.Select(state, new V1.ListTasksRequest { Stack = "empty" }));
    }
}
