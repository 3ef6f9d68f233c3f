using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class RequestLimitsTests
{
    private static V1.ServiceSpec Spec() => new()
    {
        Name = "web",
        Task = new V1.TaskSpec { Container = new V1.ContainerSpec { Image = "web:1" } },
    };

    private static string Refused(Action check)
    {
        var error = Assert.Throws<RpcException>(check);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        return error.Status.Detail;
    }

    [Fact]
    public void A_sound_stack_passes()
    {
        var spec = new V1.StackSpec { Name = "shop", Services = { Spec() } };
        Assert.Same(spec, RequestLimits.Stack(spec));
    }

    [Fact]
    public void Every_problem_of_a_stack_is_named_at_once()
    {
        var wrong = Spec();
        wrong.Name = new string('x', 64);
        wrong.Task.Network = (V1.NetworkMode)9;
        wrong.Labels[""] = "x";
        var said = Refused(() => RequestLimits.Stack(new V1.StackSpec { Services = { wrong } }));
        Assert.Contains("spec.name is empty", said);
        Assert.Contains("spec.services[0].name is 64 characters long", said);
        Assert.Contains("spec.services[0].task.network is 9", said);
        Assert.Contains("a label's name has 1 to 255 characters", said);
    }

    [Fact]
    public void A_stack_of_too_many_services_is_refused()
    {
        var spec = new V1.StackSpec { Name = "shop" };
        spec.Services.AddRange(Enumerable.Repeat(Spec(), RequestLimits.ServicesPerStack + 1));
        Assert.Contains("1001 services; a stack has at most 1000", Refused(() => RequestLimits.Stack(spec)));
    }

    [Fact]
    public void A_spec_too_large_to_travel_is_refused()
    {
        var spec = Spec();
        spec.Task.Container.Env.Add("A=" + new string('x', RequestLimits.ServiceBytes));
        Assert.Contains("a service's spec has at most 524288", Refused(() => RequestLimits.Service(spec)));
    }

    [Fact]
    public void Many_problems_are_counted_not_all_listed()
    {
        var spec = new V1.StackSpec { Name = "shop" };
        for (var at = 0; at < 200; at++)
            spec.Services.Add(new V1.ServiceSpec(Spec()) { Name = new string('x', 64) });
        Assert.Contains("and 150 more problems", Refused(() => RequestLimits.Stack(spec)));
    }

    [Fact]
    public void A_node_change_that_asks_nothing_is_refused()
    {
        Assert.Contains("nothing is asked", Refused(() => RequestLimits.NodeChange(new V1.UpdateNodeRequest { Node = "n1" })));
    }

    [Fact]
    public void An_exec_needs_a_command_and_sound_environment()
    {
        var said = Refused(() => RequestLimits.Exec(new V1.ExecStart { Task = "web.1", Env = { "=x" } }));
        Assert.Contains("start.command is empty", said);
        Assert.Contains("'=x' is not KEY=value", said);
    }

    [Fact]
    public void An_instant_no_calendar_has_is_refused()
    {
        Assert.Contains("since is no instant", Refused(() => RequestLimits.Instant("since", new Timestamp { Seconds = long.MaxValue })));
        Assert.Null(RequestLimits.Instant("since", null));
    }

    [Fact]
    public void A_message_too_long_for_a_header_is_cut_and_says_so()
    {
        var error = ApiErrors.Invalid(new string('x', ApiErrors.LongestMessage + 5));
        Assert.Contains("(5 more characters are left out)", error.Status.Detail);
    }

    [Theory]
    [InlineData(RefusalReason.Invalid, StatusCode.InvalidArgument)]
    [InlineData(RefusalReason.NotFound, StatusCode.NotFound)]
    [InlineData(RefusalReason.Exists, StatusCode.AlreadyExists)]
    [InlineData(RefusalReason.Conflict, StatusCode.FailedPrecondition)]
    public void Each_kind_of_refusal_has_its_status(RefusalReason reason, StatusCode code)
    {
        Assert.Equal(code, ApiErrors.Code(reason));
    }

    [Fact]
    public void A_command_runs_only_in_a_task_that_runs()
    {
        var state = new Cluster().Node(1, "n1").Node(2, "n2", NodeState.Down).Service(1, "web", 3)
            .Task(1, 1, 1, 1).Task(2, 1, 2, 1, TaskState.Failed).Task(3, 1, 3, 2).State;
        Assert.Equal("n1", ExecCalls.Runnable(state, "web.1").Node.Description.Hostname);

        var ended = Assert.Throws<RpcException>(() => ExecCalls.Runnable(state, "web.2"));
        Assert.Equal(StatusCode.FailedPrecondition, ended.StatusCode);
        Assert.Contains("does not run: it is failed", ended.Status.Detail);

        var unreachable = Assert.Throws<RpcException>(() => ExecCalls.Runnable(state, "web.3"));
        Assert.Equal(StatusCode.Unavailable, unreachable.StatusCode);
        Assert.Contains("n2 is down", unreachable.Status.Detail);
    }
}
