using Berth.Manager.Api;
using Berth.Manager.Store;
using Grpc.Core;

namespace Berth.Tests.Manager.Api;

public sealed class LogTargetTests
{
    private static readonly ClusterState State = new Cluster()
        .Node(1, "n1")
        .Service(40, "web", 2).Service(1 << 20, "agent", null)
        .Task(41, 40, 1, 1).Task(1 << 21, 40, 1, 1, Model.TaskState.Failed).Task(43, 1 << 20, 0, 1)
        .State;

    [Fact]
    public void A_service_is_found_by_name_and_by_id()
    {
        Assert.Equal("web", LogTarget.Find(State, "web").Service?.Spec.Name);
        Assert.Equal("web", LogTarget.Find(State, Cluster.ServiceId(40).ToString()).Service?.Spec.Name);
    }

    [Fact]
    public void A_slot_means_its_live_task_even_when_an_ended_one_is_newer()
    {
        Assert.Equal(Cluster.TaskId(41), LogTarget.Find(State, "web.1").Task?.Id);
    }

    [Fact]
    public void A_task_of_a_global_service_is_found_by_its_node()
    {
        Assert.Equal(Cluster.TaskId(43), LogTarget.Find(State, $"agent.{Cluster.NodeId(1)}").Task?.Id);
    }

    [Fact]
    public void A_prefix_that_only_one_object_has_is_enough()
    {
        var prefix = Cluster.ServiceId(1 << 20).ToString()[..^2];
        Assert.Equal("agent", LogTarget.Find(State, prefix).Service?.Spec.Name);
    }

    [Fact]
    public void What_several_answer_to_is_refused_with_the_candidates()
    {
        var error = Assert.Throws<RpcException>(() => LogTarget.Find(State, "000000"));
        Assert.Contains(Cluster.ServiceId(40).ToString(), error.Status.Detail);
        Assert.Contains("web", error.Status.Detail);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("web.9")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzz")]
    public void What_nothing_answers_to_is_not_found(string reference)
    {
        var error = Assert.Throws<RpcException>(() => LogTarget.Find(State, reference));
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
        Assert.Contains(reference, error.Status.Detail);
    }
}
