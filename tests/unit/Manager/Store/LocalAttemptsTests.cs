using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using CsCheck;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class LocalAttemptsTests
{
    private static readonly NodeId Node = new(1);

    [Fact]
    public void What_an_agent_restarted_while_nobody_was_there_becomes_the_clusters_task()
    {
        var (state, root) = ARunningTask();
        var after = Register(state, AChain(root, AnAttempt(2, Status(TaskState.Running))));

        Assert.Equal(TaskState.Failed, after.Tasks[root].State);
        var successor = after.Tasks[new TaskId(2)];
        Assert.True(successor.IsLive);
        Assert.Equal((Node, 1, TaskState.Running, 1), (successor.NodeId!.Value, successor.Slot, successor.DesiredState, successor.Attempt));
        Assert.True(successor.CreatedAt > after.Tasks[root].CreatedAt);
    }

    [Fact]
    public void A_row_of_crashes_becomes_the_slots_history_in_its_order()
    {
        var (state, root) = ARunningTask();
        var after = Register(state, AChain(
            root, AnAttempt(9, Status(TaskState.Failed), generation: 1), AnAttempt(3, Status(TaskState.Failed), generation: 2),
            AnAttempt(5, Status(TaskState.Ready), generation: 4, notBefore: Noon.AddMinutes(1))));

        var slot = after.Tasks.Values.OrderBy(task => task.CreatedAt).Select(task => (task.Id, task.State.IsTerminal())).ToArray();
        Assert.Equal([(root, true), (new TaskId(9), true), (new TaskId(3), true), (new TaskId(5), false)], slot);
        Assert.Equal((TaskState.Ready, Noon.AddMinutes(1)), (after.Tasks[new TaskId(5)].DesiredState, after.Tasks[new TaskId(5)].NotBefore));
    }

    [Fact]
    public void What_managers_decided_meanwhile_stands()
    {
        var (state, root) = ARunningTask();
        var chain = AChain(root, AnAttempt(2, Status(TaskState.Running)));

        Assert.Single(Register(state.Committed(new Change.TaskDesired(root, TaskState.Shutdown, "its node is down")), chain).Tasks.Values);
        Assert.Single(Register(state.Committed(new Change.TaskEnded(root, Status(TaskState.Failed))), chain).Tasks.Values);
        Assert.Single(Register(state.Committed(new Change.ServiceRemoved(state.FindService("web")!.Id)), chain).Tasks.Values);
        Assert.Empty(LocalAttempts.Adopt(state, new NodeId(2), [chain]));
    }

    [Fact]
    public void A_registration_that_is_repeated_with_one_attempt_more_adds_that_one()
    {
        var (state, root) = ARunningTask();
        state = Register(state, AChain(root, AnAttempt(2, Status(TaskState.Running))));
        state = Register(state, AChain(root, AnAttempt(2, Status(TaskState.Failed)), AnAttempt(3, Status(TaskState.Running), generation: 2)));

        Assert.Equal([new TaskId(3)], state.Tasks.Values.Where(task => task.IsLive).Select(task => task.Id));
        Assert.Equal(3, state.Tasks.Count);
    }

    [Fact]
    public void Whatever_agents_say_a_slot_gets_no_second_live_task_and_saying_it_twice_changes_nothing()
    {
        var said = Gen.Select(Gen.Int[1, 8], Gen.Int[1, 4], Gen.OneOf(TaskState.Failed, TaskState.Complete, TaskState.Running, TaskState.Ready), Gen.Bool);
        Gen.Select(Gen.Int[0, 60], said.List[0, 5], said.List[0, 5], Gen.Int[0, 5]).Sample((seed, one, two, root) =>
        {
            var state = ClusterState.Empty.After(ANode(1), ANode(2), new Command.CreateService(ASpec())).WithTasks("web", 3);
            state = state.Committed([.. TaskChanges(state, seed)]);
            var roots = state.Tasks.Keys.Order().ToList();
            ValueList<LocalChain> chains = [Chain(roots[root % roots.Count], one), Chain(roots[(root + seed) % roots.Count], two)];

            var after = state.Committed([.. LocalAttempts.Adopt(state, Node, chains)]);
            var live = (ClusterState of) => of.Tasks.Values.Where(task => task.IsLive).CountBy(task => (task.ServiceId, task.Slot)).ToDictionary();
            var before = live(state);
            Assert.All(live(after), slot => Assert.True(slot.Value <= before.GetValueOrDefault(slot.Key)));
            Assert.Empty(LocalAttempts.Adopt(after, Node, chains));
        }, iter: 500);

        static LocalChain Chain(TaskId root, List<(int Id, int Generation, TaskState State, bool RootEnded)> said) => new(
            root, Status(said.Count > 0 && said[0].RootEnded ? TaskState.Failed : TaskState.Running),
            said.Select(of => AnAttempt(of.Id, Status(of.State), of.Generation)).OrderBy(attempt => attempt.Generation).ToValueList());
    }

    private static ClusterState Register(ClusterState state, LocalChain chain) => state.After(ANode(1) with { LocalChains = [chain] });

    private static (ClusterState State, TaskId Root) ARunningTask()
    {
        var state = ClusterState.Empty.After(ANode(1), new Command.CreateService(ASpec())).WithTasks("web", 1);
        return (state, state.Tasks.Keys.Single());
    }

    private static LocalChain AChain(TaskId root, params ImmutableArray<LocalAttempt> attempts) =>
        new(root, Status(TaskState.Failed) with { ExitCode = 1 }, new(attempts));

    private static LocalAttempt AnAttempt(int id, ServiceTaskStatus status, int generation = 1, DateTimeOffset? notBefore = null) =>
        new(new TaskId((UInt128)id), generation, generation, Noon, notBefore, status);
}
