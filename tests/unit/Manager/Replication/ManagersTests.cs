using Akka.Actor;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Tests.Manager.Store;

namespace Berth.Tests.Manager.Replication;

/// <summary>Managers of one store, with real links between them.</summary>
public sealed class ManagersTests
{
    [Fact]
    public async Task A_standby_shows_what_the_leader_published_soft_parts_included()
    {
        await using var managers = new TestManagers();
        var leader = await managers.StartAsync();
        await leader.ExecuteAsync(Samples.ANode(1));
        await leader.ExecuteAsync(new Command.CreateService(Samples.ASpec()));
        var standby = await managers.StartAsync();
        var task = await WithTaskAsync(leader);

        leader.Store.Tell(new StoreProtocol.Observe(new NodeId(1), [(task, Samples.Status(TaskState.Running))]));
        var shown = await standby.UntilAsync(state => state.Tasks.GetValueOrDefault(task)?.State == TaskState.Running);

        Assert.True(leader.Leadership.IsLeading);
        Assert.False(standby.Leadership.IsLeading);
        Assert.Equal(leader.View.Current.ClusterId, shown.ClusterId);
        await leader.UntilAsync(() => leader.Standbys.All.Any(known => known.Node == standby.Me && known.Index == leader.View.Current.Index));
    }

    [Fact]
    public async Task Deciders_hear_nothing_on_a_standby_and_everything_once_it_leads()
    {
        await using var managers = new TestManagers();
        var leader = await managers.StartAsync();
        var standby = await managers.StartAsync();
        using var decider = Inbox.Create(standby.System);
        using var reader = Inbox.Create(standby.System);
        standby.Store.Tell(new StoreProtocol.Subscribe(decider.Receiver, WhileLeading: true));
        standby.Store.Tell(new StoreProtocol.Subscribe(reader.Receiver));
        await leader.ExecuteAsync(Samples.ANode(1));
        await standby.UntilAsync(state => state.Nodes.Count == 1);
        Assert.IsType<StoreProtocol.StateChanged>(reader.Receive(TimeSpan.FromSeconds(20)));

        await leader.StopAsync();
        var first = Assert.IsType<StoreProtocol.StateChanged>(decider.Receive(TimeSpan.FromSeconds(60)));
        Assert.True(first.Touched.All);
        Assert.Single(first.State.Nodes);
        Assert.Equal(2, first.State.Epoch);
    }

    [Fact]
    public async Task A_leader_that_stops_hands_over_and_the_next_one_goes_on_from_what_it_holds()
    {
        await using var managers = new TestManagers();
        var leader = await managers.StartAsync();
        await leader.ExecuteAsync(Samples.ANode(1));
        await leader.ExecuteAsync(new Command.CreateService(Samples.ASpec()));
        var task = await WithTaskAsync(leader);
        leader.Store.Tell(new StoreProtocol.Observe(new NodeId(1), [(task, Samples.Status(TaskState.Running) with { ContainerId = "c" })]));
        var standby = await managers.StartAsync();
        await standby.UntilAsync(state => state.Tasks.GetValueOrDefault(task)?.State == TaskState.Running);

        await leader.StopAsync();
        await standby.UntilAsync(() => standby.Leadership.IsLeading);
        var answer = Assert.IsType<StoreProtocol.Executed>(await standby.ExecuteAsync(new Command.CreateService(Samples.ASpec("next"))));

        Assert.Equal(answer.Index, standby.View.Current.Index);
        // Nothing of it is in the journal: only the standby's own memory knew.
        Assert.Equal("c", standby.View.Current.Tasks[task].Status.ContainerId);
        Assert.NotNull(standby.View.Current.FindService("web"));
    }

    [Fact]
    public async Task A_leader_that_was_replaced_behind_its_back_acknowledges_nothing_and_ends()
    {
        await using var managers = new TestManagers();
        var leader = await managers.StartAsync();
        await leader.ExecuteAsync(Samples.ANode(1));
        var epoch = leader.View.Current.Epoch;
        await managers.StealAsync(leader);
        leader.Store.Tell(new StoreProtocol.Execute(new Command.CreateService(Samples.ASpec())), ActorRefs.NoSender);

        Assert.NotEmpty(await leader.Lost);
        Assert.Null(leader.View.Current.FindService("web"));
        Assert.Equal(epoch, leader.View.Current.Epoch);
    }

    [Fact]
    public async Task An_agent_of_a_standby_becomes_a_member_and_is_ready_at_the_leader()
    {
        await using var managers = new TestManagers();
        var leader = await managers.StartAsync();
        var standby = await managers.StartAsync();

        var executed = Assert.IsType<StoreProtocol.Executed>(await standby.ExecuteAsync(Samples.ANode(7)));
        await standby.UntilAsync(state => state.Index >= executed.Index && state.Nodes.ContainsKey(new NodeId(7)));
        var heart = standby.Heartbeats.Of(new NodeId(7));
        heart.Open();
        await leader.UntilAsync(state => state.Nodes[new NodeId(7)].Status.State == NodeState.Ready);
        await standby.UntilAsync(state => state.Nodes[new NodeId(7)].Status.State == NodeState.Ready);

        heart.End("its agent ended the session");
        await leader.UntilAsync(state => state.Nodes[new NodeId(7)].Status is { State: NodeState.Disconnected, Message: var said } && said.Contains("ended the session"));
        Assert.False(leader.Heartbeats.Of(new NodeId(7)).Restarts);

        heart.Open();
        await leader.UntilAsync(state => state.Nodes[new NodeId(7)].Status.State == NodeState.Ready);
        heart.End("its agent is stopped or started again", restarts: true);
        await leader.UntilAsync(state => state.Nodes[new NodeId(7)].Status.State == NodeState.Disconnected);
        Assert.True(leader.Heartbeats.Of(new NodeId(7)).Restarts);
    }

    [Fact]
    public async Task What_an_agent_reports_while_nobody_leads_reaches_the_next_leader()
    {
        await using var managers = new TestManagers();
        var first = await managers.StartAsync();
        await first.ExecuteAsync(Samples.ANode(1));
        await first.ExecuteAsync(new Command.CreateService(Samples.ASpec()));
        var task = await WithTaskAsync(first);
        var second = await managers.StartAsync();
        var third = await managers.StartAsync();
        await third.UntilAsync(state => state.Tasks.ContainsKey(task));
        await second.UntilAsync(state => state.Tasks.ContainsKey(task));

        await first.StopAsync();
        third.Store.Tell(new StoreProtocol.Observe(new NodeId(1), [(task, Samples.Status(TaskState.Failed) with { ExitCode = 3 })]));
        var registering = third.ExecuteAsync(Samples.ANode(8));

        Assert.IsType<StoreProtocol.Executed>(await registering);
        await second.UntilAsync(state => state.Tasks[task] is { State: TaskState.Failed, Status.ExitCode: 3 });
        await third.UntilAsync(state => state.Tasks[task] is { State: TaskState.Failed, Status.ExitCode: 3 });
    }

    [Fact]
    public async Task Whoever_asks_a_standby_to_write_what_is_not_an_agents_is_told_who_may()
    {
        await using var managers = new TestManagers();
        await managers.StartAsync();
        var standby = await managers.StartAsync();

        var failure = await Assert.ThrowsAsync<NoLeaderException>(() => standby.ExecuteAsync(new Command.CreateService(Samples.ASpec())));
        Assert.Contains("does not lead", failure.Message);
    }

    private static async Task<TaskId> WithTaskAsync(TestManagers.TestManager leader)
    {
        var state = leader.View.Current;
        var service = state.FindService("web")!;
        var task = new TaskId(1);
        Change[] changes = [new Change.TaskCreated(task, service.Id, 1, null, 1, TaskState.Running, 0, null)];
        Assert.IsType<StoreProtocol.Committed>(await leader.Store.Ask<object>(new StoreProtocol.Propose(state.Index, [.. changes])));
        Change[] placed = [new Change.TaskAssigned(task, new NodeId(1))];
        Assert.IsType<StoreProtocol.Committed>(await leader.Store.Ask<object>(new StoreProtocol.Propose(leader.View.Current.Index, [.. placed])));
        return task;
    }
}
