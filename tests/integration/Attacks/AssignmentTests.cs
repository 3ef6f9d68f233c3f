using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Protocol;
using Berth.Tests.Integration.Identity;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Attacks;

/// <summary>A node is sent what its own tasks need, and nothing of anybody else's. There are no secrets yet: until there are, what is
/// confidential in a spec is its environment.</summary>
public sealed class AssignmentTests
{
    [Fact]
    public async Task A_node_is_sent_only_what_its_own_tasks_need_whatever_it_asks()
    {
        await using var manager = await ClusterManager.StartAsync();
        var (victim, thief) = (await manager.JoinAsync(await manager.TokenAsync()), await manager.JoinAsync(await manager.TokenAsync()));
        using var victims = Open(manager, victim, "victim");
        using var thiefs = Open(manager, thief, "thief");
        await RegisteredAsync(victims);
        await RegisteredAsync(thiefs);
        foreach (var (name, node) in new[] { ("safe", victim), ("own", thief) })
        {
            await manager.Process.Client.CreateServiceAsync(new CreateServiceRequest
            {
                Spec = Specs.Service(name, spec =>
                {
                    spec.Replicated.Replicas = 1;
                    spec.Task.Container.Env.Add($"PASSWORD=of-{name}");
                    spec.Task.Placement = new Placement { Constraints = { $"node.id=={node.Node}" } };
                }),
            });
        }
        var task = (await AssignedAsync(victims)).Tasks.Single().TaskId;
        await AssignedAsync(thiefs);

        // It says that it runs the other's task, that it is that task's node, and asks for everything anew.
        await thiefs.RequestStream.WriteAsync(new AgentMessage { Status = new StatusReport { Tasks = { new TaskReport { TaskId = task, State = TaskState.Failed, Err = "stolen" } } } });
        using var again = Open(manager, thief, "thief", new TaskReport { TaskId = task, State = TaskState.Running });
        await RegisteredAsync(again);
        var everything = await AssignedAsync(again);
        Assert.True(everything.Full);
        Assert.Equal("own", Assert.Single(everything.Templates.Values).ServiceName);
        Assert.DoesNotContain(task, everything.Tasks.Select(one => one.TaskId));
        Assert.DoesNotContain("of-safe", everything.ToString());

        using var liar = new Dispatcher.DispatcherClient(manager.Dial(thief)).Session();
        await liar.RequestStream.WriteAsync(Register(victim, "victim"));
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await liar.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        using var relay = new Dispatcher.DispatcherClient(manager.Dial(thief)).Relay();
        await relay.RequestStream.WriteAsync(new RelayFromAgent { RelayId = task });
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await relay.ResponseStream.MoveNext(CancellationToken.None))).StatusCode);

        // What it said of the other's task was not believed.
        var tasks = manager.Process.Client.ListTasks(new ListTasksRequest { Services = { "safe" } });
        await foreach (var page in tasks.ResponseStream.ReadAllAsync())
            Assert.DoesNotContain("stolen", page.ToString());
        Assert.Contains(await manager.AuditAsync(), entry => entry.Call == "Dispatcher/Session" && entry.Outcome.Contains("cannot speak for node", StringComparison.Ordinal));
        Assert.DoesNotContain("of-safe", manager.Process.Said + File.ReadAllText(Path.Combine(manager.Process.DataDirectory, "audit.log")));
    }

    private static AsyncDuplexStreamingCall<AgentMessage, ManagerMessage> Open(ClusterManager manager, Member member, string hostname, params TaskReport[] tasks)
    {
        var session = new Dispatcher.DispatcherClient(manager.Dial(member)).Session();
        session.RequestStream.WriteAsync(Register(member, hostname, tasks)).GetAwaiter().GetResult();
        return session;
    }

    private static AgentMessage Register(Member member, string hostname, params TaskReport[] tasks) => new()
    {
        Register = new Register
        {
            NodeId = member.Node.ToString(), Tasks = { tasks }, Level = ReleaseLevel.Own,
            Description = new NodeDescription
            {
                Hostname = hostname, Address = "127.0.0.1", Os = "linux", Architecture = "x86_64", Capacity = new Resources { MemoryBytes = 1L << 32, NanoCpus = 2_000_000_000 },
            },
        },
    };

    private static async Task RegisteredAsync(AsyncDuplexStreamingCall<AgentMessage, ManagerMessage> session)
    {
        Assert.True(await session.ResponseStream.MoveNext(CancellationToken.None));
        Assert.NotNull(session.ResponseStream.Current.Registered);
    }

    private static async Task<AssignmentSet> AssignedAsync(AsyncDuplexStreamingCall<AgentMessage, ManagerMessage> session)
    {
        using var deadline = new CancellationTokenSource(ManagerProcess.Deadline);
        while (await session.ResponseStream.MoveNext(deadline.Token))
        {
            if (session.ResponseStream.Current.Assignments is { Tasks.Count: > 0 } set)
                return set;
        }
        throw new InvalidOperationException("the session ended");
    }
}
