using Berth.Manager.Store;
using Berth.Model;
using CsCheck;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

/// <summary>What holds for every command on every state.</summary>
public sealed class CommandPropertyTests
{
    private static readonly Gen<List<(Command Command, int Seed)>> Histories = Gen.Select(AnyCommand, Gen.Int[0, 1000]).List[1, 25];

    [Fact]
    public void A_refused_command_changes_nothing_and_says_why() => Histories.Sample(history =>
    {
        Play(history, (_, _, decision) =>
        {
            if (decision.Refusal is not { } refusal)
                return;
            Assert.Empty(decision.Changes);
            Assert.NotEmpty(refusal.Message);
        });
    });

    [Fact]
    public void A_command_given_twice_does_nothing_the_second_time() => Histories.Sample(history =>
    {
        Play(history, (state, command, decision) =>
        {
            if (decision.Refusal is not null || command is Command.RollbackService or Command.UpdateService { Version: > 0 })
                return;
            Assert.Empty(Commands.Decide(state.Committed([.. decision.Changes]), command, Noon.AddDays(1), IdSource.Seeded(5)).Changes);
        });
    });

    [Fact]
    public void Names_and_indexes_stay_true() => Histories.Sample(history =>
    {
        var state = Play(history, (_, _, _) => { });
        Assert.Equal(state.Services.Values.ToDictionary(service => service.Spec.Name, service => service.Id), state.ServiceNames.ToDictionary());
        Assert.All(state.Services.Values, service => Assert.Equal(service.Spec.Task, state.TaskSpecs[service.Id][service.SpecVersion]));
        Assert.All(state.Tasks.Values, task => Assert.Equal(task.Spec, state.TaskSpecs[task.ServiceId][task.SpecVersion]));
        Assert.Equal(state.Tasks.Keys.Order(), state.TasksByService.Values.SelectMany(ids => ids).Order());
        Assert.Equal(state.Tasks.Values.Where(task => task.NodeId is not null).Select(task => task.Id).Order(), state.TasksByNode.Values.SelectMany(ids => ids).Order());
        Assert.Equal(
            state.Tasks.Values.Where(task => task is { IsLive: true, State: < TaskState.Assigned }).Select(task => task.Id).Order(), state.Unassigned.Order());
    });

    [Fact]
    public void Counts_stay_true_while_tasks_run_and_nodes_come_and_go() => Histories.Sample(history =>
    {
        var state = ClusterState.Empty;
        foreach (var (command, seed) in history)
        {
            state = state.Committed([.. Commands.Decide(state, command, Noon, IdSource.Seeded((int)state.Index)).Changes]);
            state = state.Committed([.. TaskChanges(state, seed)]);
            state = state.Observe([
                .. state.Tasks.Values.Where(task => ((UInt128)seed + task.Id.Value) % 3 == 0).Select(task => new Change.TaskObserved(task.Id, Status(TaskState.Running))),
                .. state.Nodes.Keys.Select(node => new Change.NodeObserved(node, new NodeStatus(((UInt128)seed + node.Value) % 3 == 0 ? NodeState.Down : NodeState.Ready, "", Noon))),
            ]);
            if (seed % 5 == 0 && state.Nodes.Keys.Order().ToList() is [var first, ..])
                state = state.Committed(new Change.NodeRemoved(first));
            Assert.Equal(state.Tasks.Values.Count(task => task.IsLive), state.LiveTasks);
            Assert.Equal(state.Tasks.Values.Count(state.CountsAsRunning), state.RunningTasks);
        }
    });

    private static ClusterState Play(List<(Command Command, int Seed)> history, Action<ClusterState, Command, Decision> look)
    {
        var state = ClusterState.Empty;
        foreach (var (command, seed) in history)
        {
            // A second rollback or a removal twice is another wish, not the same again; those are looked at by their own tests.
            var decision = Commands.Decide(state, command, Noon, IdSource.Seeded((int)state.Index));
            if (command is not (Command.RemoveStack or Command.RemoveServices or Command.CreateService or Command.RemoveClient) || decision.Refusal is not null)
                look(state, command, decision);
            state = state.Committed([.. decision.Changes]);
            state = state.Committed([.. TaskChanges(state, seed)]);
        }
        return state;
    }
}
