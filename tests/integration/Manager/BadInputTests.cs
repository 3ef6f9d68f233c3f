using Berth.Protocol.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Berth.Tests.Integration.Manager.Specs;
using Client = Berth.Protocol.V1.Control.ControlClient;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Manager;

/// <summary>Wrong calls to a real manager: each has its status, says what is wrong, and changes nothing.</summary>
public sealed class BadInputTests(BadInputTests.Fixture fixture) : IClassFixture<BadInputTests.Fixture>
{
    private sealed record Wrong(Func<Client, Task> Call, StatusCode Code, string Says);

    private static readonly Dictionary<string, Wrong> Table = new()
    {
        ["a stack without a spec"] = new(client => client.DeployStackAsync(new DeployStackRequest()).ResponseAsync, StatusCode.InvalidArgument, "spec is missing"),
        ["a stack without a name"] = Deploying(Deploy(""), "spec.name is empty"),
        ["a stack of 1,001 services"] = Deploying(
            Deploy("many", [.. Enumerable.Range(0, 1001).Select(at => Service($"many_{at}"))]), "a stack has at most 1000"),
        ["a stack with the same service twice"] = Deploying(Deploy("twin", Service("twin_web"), Service("twin_web")), "twin_web"),
        ["a stack with a service of another"] = new(
            client => client.DeployStackAsync(Deploy("thief", Service("thief_web"))).ResponseAsync, StatusCode.AlreadyExists, "belongs to no stack"),
        ["a stack with a service named after another"] = Deploying(Deploy("thief", Service("present")), "does not begin with 'thief_'"),
        ["a stack with one bad service among good ones"] = Deploying(
            Deploy("mixed", Service("mixed_good"), Service("mixed_bad", spec => spec.Task.Container.Image = "")), "image"),
        ["a service without a task"] = Creating(Service("x", spec => spec.Task = null), "spec.task is missing"),
        ["a service without a container"] = Creating(Service("x", spec => spec.Task.Container = null), "spec.task.container is missing"),
        ["a service without an image"] = Creating(Service("x", spec => spec.Task.Container.Image = ""), "image"),
        ["a service without a name"] = Creating(Service(""), "name"),
        ["a name with a space"] = Creating(Service("web app"), "web app"),
        ["a name of 64 characters"] = Creating(Service(new string('x', 64)), "64 characters"),
        ["a negative number of replicas"] = Creating(Service("x", spec => spec.Replicated.Replicas = -1), "-1"),
        ["a constraint on nothing known"] = Creating(Constrained("node.hostnme==a"), "'node.hostnme' is not something a constraint can ask"),
        ["a constraint that is none"] = Creating(Constrained("ssd"), "'ssd' is not a constraint"),
        ["a network of the future"] = Creating(Service("x", spec => spec.Task.Network = (NetworkMode)9), "spec.task.network is 9"),
        ["a failure action of the future"] = Creating(
            Service("x", spec => spec.Update = new UpdateConfig { FailureAction = (FailureAction)7 }), "spec.update.failure_action is 7"),
        ["a port above 65535"] = Creating(Service("x", spec => spec.Task.Ports.Add(new PortConfig { Target = 70_000, Published = 80 })), "70000"),
        ["a negative memory limit"] = Creating(Service("x", spec => spec.Task.Limits = new Limits { MemoryBytes = -5 }), "-5"),
        ["a failure ratio above 1"] = Creating(Service("x", spec => spec.Update = new UpdateConfig { MaxFailureRatio = 7 }), "7"),
        ["a mount without a target"] = Creating(
            Service("x", spec => spec.Task.Container.Mounts.Add(new Mount { Type = MountType.Bind, Source = "/a" })), "target"),
        ["a spec larger than 512 KiB"] = Creating(
            Service("x", spec => spec.Task.Container.Env.Add("A=" + new string('x', 600_000))), "a service's spec has at most 524288"),
        ["a service that exists"] = new(Create(Service("present")), StatusCode.AlreadyExists, "there is a service 'present' already"),
        ["an update of a stale version"] = Updating("present", 1, Service("present"), StatusCode.FailedPrecondition, "changed since it was read"),
        ["an update that renames"] = Updating("present", 0, Service("other"), StatusCode.InvalidArgument, "cannot be renamed"),
        ["an update of the mode"] = Updating(
            "present", 0, Service("present", spec => spec.Global = new GlobalMode()), StatusCode.InvalidArgument, "cannot become global"),
        ["an update of what is not there"] = Updating("absent", 0, Service("absent"), StatusCode.NotFound, "there is no service 'absent'"),
        ["an update of nothing named"] = Updating("", 0, Service("x"), StatusCode.InvalidArgument, "id is empty"),
        ["scaling a global service"] = Scaling(StatusCode.FailedPrecondition, "'everywhere' is global", ("everywhere", 3)),
        ["scaling to a negative number"] = Scaling(StatusCode.InvalidArgument, "-2", ("present", -2)),
        ["scaling one that is there and one that is not"] = Scaling(StatusCode.NotFound, "'absent'", ("present", 3), ("absent", 1)),
        ["scaling nothing"] = Scaling(StatusCode.InvalidArgument, "scales is empty"),
        ["rolling back the first spec"] = new(
            client => client.RollbackServiceAsync(new RollbackServiceRequest { Service = "present" }).ResponseAsync,
            StatusCode.FailedPrecondition, "has no previous spec"),
        ["removing one that is there and one that is not"] = new(
            client => client.RemoveServicesAsync(new RemoveServicesRequest { Services = { "present", "absent" } }).ResponseAsync,
            StatusCode.NotFound, "'absent'"),
        ["removing a stack that is not there"] = new(
            client => client.RemoveStackAsync(new RemoveStackRequest { Name = "absent" }).ResponseAsync, StatusCode.NotFound, "there is no stack 'absent'"),
        ["a service that is not there"] = new(
            client => client.GetServiceAsync(new GetServiceRequest { Service = "absent" }).ResponseAsync, StatusCode.NotFound, "there is no service 'absent'"),
        ["a task that is not there"] = new(
            client => client.GetTaskAsync(new GetTaskRequest { Task = "present.1" }).ResponseAsync, StatusCode.NotFound, "present.1"),
        ["a node that is not there"] = new(
            client => client.GetNodeAsync(new GetNodeRequest { Node = "n9" }).ResponseAsync, StatusCode.NotFound, "there is no node 'n9'"),
        ["a reference of 200 characters"] = new(
            client => client.GetNodeAsync(new GetNodeRequest { Node = new string('n', 200) }).ResponseAsync, StatusCode.InvalidArgument, "200 characters"),
        ["a change of a node that is not there"] = new(
            client => client.UpdateNodeAsync(new UpdateNodeRequest { Node = "n9", Availability = NodeAvailability.Drain }).ResponseAsync,
            StatusCode.NotFound, "there is no node 'n9'"),
        ["a change of a node that asks nothing"] = new(
            client => client.UpdateNodeAsync(new UpdateNodeRequest { Node = "n9" }).ResponseAsync, StatusCode.InvalidArgument, "nothing is asked"),
        ["services of a stack that is not there"] = new(
            client => client.ListServicesAsync(new ListServicesRequest { Stack = "absent" }).ResponseAsync, StatusCode.NotFound, "there is no stack 'absent'"),
        ["tasks of a service that is not there"] = new(
            client => First(client.ListTasks(new ListTasksRequest { Services = { "absent" } })), StatusCode.NotFound, "'absent'"),
        ["logs of what is not there"] = new(
            client => First(client.Logs(new LogsRequest { Target = "absent" })), StatusCode.NotFound, "no service or task 'absent'"),
        ["logs of minus two lines"] = new(
            client => First(client.Logs(new LogsRequest { Target = "present", Tail = -2 })), StatusCode.InvalidArgument, "tail is -2"),
        ["logs since an impossible instant"] = new(
            client => First(client.Logs(new LogsRequest { Target = "present", Since = new Timestamp { Seconds = long.MaxValue } })),
            StatusCode.InvalidArgument, "since is no instant"),
        ["following nothing"] = new(
            client => First(client.FollowServices(new FollowServicesRequest())), StatusCode.InvalidArgument, "services is empty"),
        ["following what is not there"] = new(
            client => First(client.FollowServices(new FollowServicesRequest { Services = { "absent" } })), StatusCode.NotFound, "'absent'"),
        ["following the drain of a node that is not there"] = new(
            client => First(client.FollowDrain(new FollowDrainRequest { Node = "n9" })), StatusCode.NotFound, "'n9'"),
        ["an exec that begins with input"] = Executing(new ExecInput { StdinClosed = true }, StatusCode.InvalidArgument, "the first message of an exec is start"),
        ["an exec without a command"] = Executing(
            new ExecInput { Start = new ExecStart { Task = "present.1" } }, StatusCode.InvalidArgument, "start.command is empty"),
        ["an exec in a task that is not there"] = Executing(
            new ExecInput { Start = new ExecStart { Task = "present.1", Command = { "true" } } }, StatusCode.NotFound, "present.1"),
        ["a message larger than 16 MiB"] = new(
            Create(Service("x", spec => spec.Task.Container.Env.Add("A=" + new string('x', 17 << 20)))), StatusCode.ResourceExhausted, "maximum"),
    };

    public static TheoryData<string> Names => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Is_refused_with_a_reason_and_changes_nothing(string name)
    {
        var client = fixture.Manager.Client;
        var wrong = Table[name];
        var before = await Snapshot(client);

        var error = await Assert.ThrowsAsync<RpcException>(() => wrong.Call(client));

        Assert.True(wrong.Code == error.StatusCode, $"{error.StatusCode} instead of {wrong.Code}: {error.Status.Detail}");
        Assert.Contains(wrong.Says, error.Status.Detail, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(before, await Snapshot(client));
    }

    private static async Task<(long, string)> Snapshot(Client client)
    {
        var info = await client.GetInfoAsync(new GetInfoRequest());
        var services = await client.ListServicesAsync(new ListServicesRequest());
        return (info.Version, services.ToString());
    }

    private static Wrong Deploying(DeployStackRequest request, string says) =>
        new(client => client.DeployStackAsync(request).ResponseAsync, StatusCode.InvalidArgument, says);

    private static Wrong Creating(ServiceSpec spec, string says) => new(Create(spec), StatusCode.InvalidArgument, says);

    private static Func<Client, Task> Create(ServiceSpec spec) =>
        client => client.CreateServiceAsync(new CreateServiceRequest { Spec = spec }).ResponseAsync;

    private static Wrong Updating(string id, long version, ServiceSpec spec, StatusCode code, string says) => new(
        client => client.UpdateServiceAsync(new UpdateServiceRequest { Id = id, Version = version, Spec = spec }).ResponseAsync, code, says);

    private static Wrong Scaling(StatusCode code, string says, params (string Service, int Replicas)[] scales) => new(
        client => client.ScaleServicesAsync(new ScaleServicesRequest
        {
            Scales = { scales.Select(scale => new ScaleServicesRequest.Types.Scale { Service = scale.Service, Replicas = scale.Replicas }) },
        }).ResponseAsync,
        code,
        says);

    private static Wrong Executing(ExecInput first, StatusCode code, string says) => new(
        async client =>
        {
            using var call = client.Exec();
            await call.RequestStream.WriteAsync(first);
            await call.ResponseStream.MoveNext(CancellationToken.None);
        },
        code,
        says);

    private static ServiceSpec Constrained(string constraint) =>
        Service("x", spec => spec.Task.Placement = new Placement { Constraints = { constraint } });

    private static async Task First<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
            await call.ResponseStream.MoveNext(CancellationToken.None);
    }

    /// <summary>One manager for the table, with replicated services and a global one, none of which has tasks.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        public ManagerProcess Manager { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Manager = await ManagerProcess.StartNewAsync();
            await Manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Service("present") });
            await Manager.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Service("thief_web") });
            await Manager.Client.CreateServiceAsync(new CreateServiceRequest
            {
                Spec = Service("everywhere", spec => spec.Global = new GlobalMode()),
            });
        }

        public async Task DisposeAsync() => await Manager.DisposeAsync();
    }
}
