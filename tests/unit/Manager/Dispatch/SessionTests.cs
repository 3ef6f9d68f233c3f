using System.Net;
using Akka.Actor;
using Akka.TestKit;
using Berth.Manager.Dispatch;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using Berth.Tests.Manager.Scheduling;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Dispatch;

/// <summary>Real calls through Kestrel and a unix socket; the store and the watch over nodes are probes.</summary>
public sealed class SessionTests : ActorTest, IAsyncLifetime
{
    private static readonly ClusterId Cluster = new(77);
    private readonly SchedulingScene _scene = new();
    private readonly Heartbeats _heartbeats = new(TimeProvider.System);
    private readonly AgentSessions _sessions = new();
    private readonly View _view = new();
    private readonly TestProbe _store;
    private readonly TestProbe _nodes;
    private readonly IActorRef _dispatch;
    private AgentServer _server = null!;
    private RelayHub _hub = null!;

    public SessionTests()
    {
        _store = CreateTestProbe();
        _nodes = CreateTestProbe();
        _dispatch = Sys.ActorOf(Props.Create(() => new DispatchActor(
            new KnownActor<StoreActor>(_store), new KnownActor<NodesActor>(_nodes), _sessions, _heartbeats, Options.Create(new NodesOptions()),
            NullLogger<DispatchActor>.Instance)));
        _store.ExpectMsg<StoreProtocol.Subscribe>();
        _scene.Commit(new Change.ClusterFormed(Cluster), new Change.LeaderElected(3));
        Publish(Touched.Everything);
    }

    public async Task InitializeAsync()
    {
        _hub = new RelayHub(_sessions, _view, IdSource.Seeded(9), TimeProvider.System);
        _server = await AgentServer.StartAsync(
            new KnownActor<StoreActor>(_store), new KnownActor<DispatchActor>(_dispatch), new KnownActor<NodesActor>(_nodes), _hub);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task An_agent_registers_gets_everything_and_then_what_changes_and_is_heard()
    {
        var node = _scene.Node("a", state: NodeState.Unknown);
        var web = _scene.Service("web");
        var first = _scene.TaskOn(web, 1, node, TaskState.Assigned);
        Publish(Touched.Everything);
        using var agent = await BeginAsync(node, "a", [new V1.TaskReport { TaskId = first.ToString(), State = V1.TaskState.Running }]);

        var registered = (await agent.ReadAsync()).Registered;
        Assert.Equal((Cluster.ToString(), 3L, 1_000_000_000L), (registered.ClusterId, registered.Epoch, registered.HeartbeatPeriodNs));
        var full = (await agent.ReadAsync()).Assignments;
        Assert.True(full.Full);
        Assert.Equal(first.ToString(), Assert.Single(full.Tasks).TaskId);
        Assert.Equal(first, Assert.Single((await _store.ExpectMsgAsync<StoreProtocol.Observe>()).Reports).Task);
        Assert.Equal(node, (await _nodes.ExpectMsgAsync<NodesProtocol.SessionChanged>()).Node);
        Assert.Null(_heartbeats.Of(node).Ended);

        var second = _scene.TaskOn(web, 2, node, TaskState.Assigned);
        Publish(Touched.Nothing with { Tasks = [second] });
        var change = (await agent.ReadAsync()).Assignments;
        Assert.Equal((2L, false, second.ToString(), 0), (change.Sequence, change.Full, Assert.Single(change.Tasks).TaskId, change.Templates.Count));

        await agent.SendAsync(new V1.AgentMessage
        {
            Status = new V1.StatusReport { Tasks = { new V1.TaskReport { TaskId = second.ToString(), State = V1.TaskState.Ready } } },
        });
        var observed = await _store.ExpectMsgAsync<StoreProtocol.Observe>();
        Assert.Equal((node, second, TaskState.Ready), (observed.NodeId, observed.Reports[0].Task, observed.Reports[0].Status.State));
    }

    [Fact]
    public async Task An_agent_is_told_every_manager_when_it_registers_and_whenever_there_are_others()
    {
        _dispatch.Tell(new DispatchProtocol.ManagersAre([(new NodeId(1), "https://10.0.0.1:2400")]));
        var node = _scene.Node("a", state: NodeState.Unknown);
        Publish(Touched.Everything);
        using var agent = await BeginAsync(node, "a");
        var first = (await agent.ReadAsync()).Registered;
        Assert.True((await agent.ReadAsync()).Assignments.Full);

        _dispatch.Tell(new DispatchProtocol.ManagersAre([(new NodeId(1), "https://10.0.0.1:2400"), (new NodeId(2), "https://10.0.0.2:2400")]));

        Assert.Equal("https://10.0.0.1:2400", Assert.Single(first.Managers).Url);
        Assert.Equal([new NodeId(1).ToString(), new NodeId(2).ToString()], (await agent.ReadAsync()).Managers.Managers_.Select(manager => manager.NodeId));
    }

    [Fact]
    public async Task Nothing_is_assigned_before_the_managers_state_holds_the_node()
    {
        var node = new NodeId(5);
        using var agent = await BeginAsync(node, "new", index: _scene.State.Index + 1);
        var reading = agent.ReadAsync();
        await Task.Delay(100);
        Assert.False(reading.IsCompleted);

        _scene.Commit(new Change.NodePut(new Node
        {
            Id = node, CreatedAt = _scene.Now, UpdatedAt = _scene.Now, Description = new NodeDescription { Hostname = "new" },
        }));
        Publish(Touched.Nothing with { Nodes = [node] });
        Assert.NotNull((await reading).Registered);
    }

    [Fact]
    public async Task A_store_that_is_slow_to_take_new_facts_keeps_no_beat_from_being_heard()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        await agent.SendAsync(new V1.AgentMessage { Description = new V1.NodeDescription { Hostname = "a", EngineVersion = "28.0" } });
        var asked = Assert.IsType<Command.RegisterNode>((await _store.ExpectMsgAsync<StoreProtocol.Execute>()).Command);
        Assert.Equal((node, "28.0"), (asked.Id, asked.Description.EngineVersion));

        await agent.SendAsync(new V1.AgentMessage { Status = new V1.StatusReport() });
        await _store.ExpectMsgAsync<StoreProtocol.Observe>();
    }

    [Fact]
    public async Task A_stream_that_breaks_disconnects_its_node_at_once()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        var agent = await ConnectAsync(node, "a");
        agent.Dispose();
        Assert.Equal(node, (await _nodes.ExpectMsgAsync<NodesProtocol.SessionChanged>()).Node);
        Assert.NotNull(_heartbeats.Of(node).Ended);
        Assert.Null(_sessions.Find(node));
    }

    [Theory]
    [InlineData(false, "its agent is stopped or started again")]
    [InlineData(true, "its host shuts down")]
    public async Task An_agent_that_says_why_it_ends_is_believed(bool hostStops, string reason)
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        await agent.SendAsync(new V1.AgentMessage { Ends = new V1.AgentEnds { HostStops = hostStops } });
        await agent.CompleteAsync();

        // The manager ends the session in good order.
        Assert.False(await agent.MoveNextAsync());
        await _nodes.ExpectMsgAsync<NodesProtocol.SessionChanged>();
        Assert.Equal((reason, !hostStops), (_heartbeats.Of(node).Ended, _heartbeats.Of(node).Restarts));
    }

    [Fact]
    public async Task An_agent_of_another_cluster_is_refused_with_the_reason()
    {
        using var agent = _server.Dial();
        await agent.SendAsync(new V1.AgentMessage { Register = ARegistration(new NodeId(5), "a", cluster: new ClusterId(1)) });
        Assert.Contains("belongs to cluster", (await agent.ReadAsync()).Refused.Reason);
        Assert.False(await agent.MoveNextAsync());
        Assert.Null(_heartbeats.Find(new NodeId(5)));
    }

    [Fact]
    public async Task Who_does_not_become_a_member_leaves_nothing_behind()
    {
        var stranger = new NodeId(5);
        using var agent = _server.Dial();
        await agent.SendAsync(new V1.AgentMessage { Register = ARegistration(stranger, "a") });
        await _store.ExpectMsgAsync<StoreProtocol.Execute>();
        Assert.NotNull(_heartbeats.Find(stranger));

        _store.Reply(new StoreProtocol.Refused(RefusalReason.Invalid, "not here"));

        await Assert.ThrowsAsync<RpcException>(agent.MoveNextAsync);
        await AwaitAssertAsync(() => Assert.Null(_heartbeats.Find(stranger)));
    }

    [Fact]
    public async Task A_second_host_with_the_same_id_is_refused_and_the_same_host_takes_over()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var first = await ConnectAsync(node, "a");

        using var copy = _server.Dial();
        await copy.SendAsync(new V1.AgentMessage { Register = ARegistration(node, "b") });
        Assert.Contains("data directory copied", (await copy.ReadAsync()).Refused.Reason);

        using var again = await ConnectAsync(node, "a");
        var ended = await Assert.ThrowsAsync<RpcException>(first.MoveNextAsync);
        Assert.Equal(StatusCode.Unavailable, ended.StatusCode);
        Assert.Contains("newer session", ended.Status.Detail);
        Assert.Null(_heartbeats.Of(node).Ended);
    }

    [Fact]
    public async Task A_stopping_manager_ends_sessions_and_says_so()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        _server.BeginStop();
        var ended = await Assert.ThrowsAsync<RpcException>(agent.MoveNextAsync);
        Assert.Equal((StatusCode.Unavailable, "the manager is stopping; containers run on, register again"), (ended.StatusCode, ended.Status.Detail));
    }

    [Theory]
    [InlineData("nonsense", V1.TaskState.Running, "is not a task id")]
    [InlineData("0000000000000000000000001", V1.TaskState.Remove, "never reports")]
    public async Task A_report_that_cannot_be_read_ends_the_session_with_the_reason(string task, V1.TaskState state, string reason)
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        await agent.SendAsync(new V1.AgentMessage { Status = new V1.StatusReport { Tasks = { new V1.TaskReport { TaskId = task, State = state } } } });
        var ended = await Assert.ThrowsAsync<RpcException>(agent.MoveNextAsync);
        Assert.Equal(StatusCode.InvalidArgument, ended.StatusCode);
        Assert.Contains(reason, ended.Status.Detail);
    }

    [Fact]
    public async Task An_agent_that_takes_nothing_loses_its_session_instead_of_filling_the_managers_memory()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        var session = _sessions.Find(node)!;
        var large = new V1.ManagerMessage { OpenRelay = new V1.OpenRelay { RelayId = new string('x', 1 << 20) } };
        var sent = 0;
        while (session.Send(large))
            Assert.True(++sent < 10_000);

        Assert.True(sent >= AgentSession.MostWaiting);
        Assert.True(session.Closed.IsCancellationRequested);
        Assert.Equal(node, (await _nodes.ExpectMsgAsync<NodesProtocol.SessionChanged>()).Node);
        Assert.Equal("its agent did not take 256 messages in time", _heartbeats.Of(node).Ended);
        Assert.Null(_sessions.Find(node));
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await agent.MoveNextAsync())
                Assert.NotNull(agent);
        });
    }

    [Fact]
    public async Task An_agent_whose_node_is_removed_is_dismissed_with_what_to_do()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        _scene.Commit(new Change.NodeRemoved(node));
        Publish(Touched.Nothing with { Nodes = [node] });

        Assert.Contains("was removed from the cluster; delete", (await agent.ReadAsync()).Refused.Reason);
        Assert.False(await agent.MoveNextAsync());
        Assert.Null(_sessions.Find(node));
    }

    [Fact]
    public async Task Facts_that_change_on_a_session_are_registered_and_unreadable_ones_end_it()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        await agent.SendAsync(new V1.AgentMessage { Description = new V1.NodeDescription { Hostname = "a", EngineVersion = "29.0" } });
        var execute = await _store.ExpectMsgAsync<StoreProtocol.Execute>();
        var register = Assert.IsType<Command.RegisterNode>(execute.Command);
        Assert.Equal((node, "29.0"), (register.Id, register.Description.EngineVersion));

        await agent.SendAsync(new V1.AgentMessage { Description = new V1.NodeDescription() });
        var ended = await Assert.ThrowsAsync<RpcException>(agent.MoveNextAsync);
        Assert.Equal(StatusCode.InvalidArgument, ended.StatusCode);
        Assert.Contains("has no host name", ended.Status.Detail);
    }

    [Fact]
    public async Task After_the_dispatcher_failed_agents_register_again_and_get_everything()
    {
        var node = _scene.Node("a");
        var task = _scene.TaskOn(_scene.Service("web"), 1, node);
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        await EventFilter.Exception<NullReferenceException>().ExpectOneAsync(() =>
        {
            _dispatch.Tell(new StoreProtocol.StateChanged(null!, Touched.Everything));
            return Task.CompletedTask;
        });
        await _store.ExpectMsgAsync<StoreProtocol.Subscribe>();
        var ended = await Assert.ThrowsAsync<RpcException>(agent.MoveNextAsync);
        Assert.Equal((StatusCode.Unavailable, true), (ended.StatusCode, ended.Status.Detail.Contains("dispatcher stopped", StringComparison.Ordinal)));
        await _nodes.ExpectMsgAsync<NodesProtocol.SessionChanged>();
        Assert.Null(_sessions.Find(node));

        Publish(Touched.Everything);
        using var again = await BeginAsync(node, "a");
        Assert.NotNull((await again.ReadAsync()).Registered);
        Assert.Equal(task.ToString(), Assert.Single((await again.ReadAsync()).Assignments.Tasks).TaskId);
        Assert.NotNull(_sessions.Find(node));
    }

    [Fact]
    public async Task A_relay_joins_who_asked_with_the_agent_that_dials_back_both_ways()
    {
        var node = _scene.Node("a");
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        var opening = _hub.OpenAsync(node, new V1.OpenRelay { Logs = new V1.RelayLogs { TaskId = "t" } }, default);
        var asked = (await agent.ReadAsync()).OpenRelay;
        Assert.Equal("t", asked.Logs.TaskId);

        using var dialled = _server.DialRelay();
        await dialled.RequestStream.WriteAsync(new V1.RelayFromAgent { RelayId = asked.RelayId });
        var relay = await opening;
        await dialled.RequestStream.WriteAsync(new V1.RelayFromAgent { Line = new V1.LogLine { TaskName = "web.1" } });
        await using (var lines = relay.ReadAsync(default).GetAsyncEnumerator())
        {
            Assert.True(await lines.MoveNextAsync());
            Assert.Equal("web.1", lines.Current.Line.TaskName);
        }
        await relay.WriteAsync(new V1.RelayToAgent { Input = new V1.ExecInput { StdinClosed = true } }, default);
        Assert.True(await dialled.ResponseStream.MoveNext(default));
        Assert.True(dialled.ResponseStream.Current.Input.StdinClosed);

        await relay.DisposeAsync();
        Assert.True(await dialled.ResponseStream.MoveNext(default));
        Assert.True(dialled.ResponseStream.Current.Cancel);
        Assert.False(await dialled.ResponseStream.MoveNext(default));
    }

    [Fact]
    public async Task A_relay_to_a_node_that_is_not_connected_says_so_and_an_unasked_one_is_not_found()
    {
        var error = await Assert.ThrowsAsync<RelayUnavailableException>(() => _hub.OpenAsync(new NodeId(5), new V1.OpenRelay(), default));
        Assert.Contains("is not connected", error.Message);

        using var dialled = _server.DialRelay();
        await dialled.RequestStream.WriteAsync(new V1.RelayFromAgent { RelayId = "made up" });
        var refused = await Assert.ThrowsAsync<RpcException>(() => dialled.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task An_agent_is_told_of_networks_whole_at_first_and_then_what_changed()
    {
        var node = _scene.Node("a", state: NodeState.Unknown);
        var known = _scene.State.Nodes[node];
        _scene.Commit(
            new Change.LevelRaised(ReleaseLevel.Networks), new Change.NodePut(known with { Description = known.Description with { Address = "10.0.0.1" } }),
            new Change.NodeNetworksPut(node, 1, []));
        Publish(Touched.Everything);
        using var agent = await ConnectAsync(node, "a");
        var whole = (await agent.ReadAsync()).Networks;
        Assert.Equal((true, 1L, 1, 0), (whole.Full, whole.Sequence, whole.Self.Number, whole.Networks.Count));

        var network = new Network
        {
            Id = new NetworkId(9), CreatedAt = DateTimeOffset.UnixEpoch, Subnet = IPNetwork.Parse("10.130.0.0/20"), Spec = new NetworkSpec { Name = "front" },
        };
        _scene.Commit(new Change.NetworkPut(network), new Change.NodeNetworksPut(node, 1, [new NodeSlice(network.Id, IPNetwork.Parse("10.130.0.64/26"))]));
        Publish(Touched.Nothing with { Nodes = [node], Networks = [network.Id] });
        var change = (await agent.ReadAsync()).Networks;
        Assert.Equal((false, 2L, "front", "10.130.0.64/26"), (change.Full, change.Sequence, Assert.Single(change.Networks).Name, Assert.Single(change.Networks[0].Slices)));

        _scene.Commit(new Change.NodeNetworksPut(node, 1, []), new Change.NetworkRemoved(network.Id));
        Publish(Touched.Nothing with { Nodes = [node], Networks = [network.Id] });
        Assert.Equal([network.Id.ToString()], (await agent.ReadAsync()).Networks.RemovedNetworks);
    }

    private async Task<AgentServer.Agent> ConnectAsync(NodeId node, string hostname)
    {
        var agent = await BeginAsync(node, hostname);
        Assert.NotNull((await agent.ReadAsync()).Registered);
        Assert.True((await agent.ReadAsync()).Assignments.Full);
        await _nodes.ExpectMsgAsync<NodesProtocol.SessionChanged>();
        return agent;
    }

    private async Task<AgentServer.Agent> BeginAsync(NodeId node, string hostname, V1.TaskReport[]? reports = null, long? index = null)
    {
        var agent = _server.Dial();
        await agent.SendAsync(new V1.AgentMessage { Register = ARegistration(node, hostname, reports: reports) });
        var execute = await _store.ExpectMsgAsync<StoreProtocol.Execute>();
        Assert.Equal(node, Assert.IsType<Command.RegisterNode>(execute.Command).Id);
        _store.Reply(new StoreProtocol.Executed(index ?? _scene.State.Index, new CommandResults.NodeChanged(node)));
        return agent;
    }

    private static V1.Register ARegistration(NodeId node, string hostname, ClusterId? cluster = null, V1.TaskReport[]? reports = null) => new()
    {
        NodeId = node.ToString(),
        ClusterId = cluster?.ToString() ?? "",
        Description = new V1.NodeDescription { Hostname = hostname },
        Tasks = { reports ?? [] },
        Level = ReleaseLevel.Own,
    };

    private void Publish(Touched touched)
    {
        _view.Current = _scene.State;
        _dispatch.Tell(new StoreProtocol.StateChanged(_scene.State, touched));
    }

    private sealed class View : IClusterView
    {
        public ClusterState Current { get; set; } = ClusterState.Empty;
    }
}
