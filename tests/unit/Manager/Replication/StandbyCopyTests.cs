using System.Collections.Immutable;
using Berth.Manager.Replication;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Tests.Manager.Store;
using CsCheck;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Replication;

/// <summary>What a standby holds is what the leader published, soft parts included, wherever it joined and whatever it held.</summary>
public sealed class StandbyCopyTests
{
    private static readonly Gen<List<(Command Command, int Seed)>> Histories = Gen.Select(Samples.AnyCommand, Gen.Int[0, 1000]).List[1, 20];

    [Fact]
    public void A_standby_that_joins_anywhere_holds_what_the_leader_published() =>
        Gen.Select(Histories, Gen.Int[0, 40], Gen.Int[0, 40], Gen.Int[1, 50]).Sample((history, heldAt, joinAt, ringSize) =>
        {
            var steps = Steps(history);
            var held = steps.Take(Math.Min(heldAt, joinAt)).Aggregate(ClusterState.Empty, (state, step) => step.ApplyTo(state));
            var ring = new CommitRing(ringSize);
            var leader = ClusterState.Empty;
            foreach (var step in steps.Take(joinAt))
            {
                leader = step.ApplyTo(leader);
                if (step.Commit is not null)
                    ring.Add(Wired(step));
            }

            var copy = new StandbyCopy(held);
            ClusterState? shown = null;
            foreach (var message in new CatchUp(leader, ring.After(held.Index)).Messages())
                shown = copy.Take(Wired(message))?.State ?? shown;
            AssertAlike(leader, shown!);

            foreach (var step in steps.Skip(joinAt))
            {
                leader = step.ApplyTo(leader);
                var changed = copy.Take(Wired(new V1.FromLeader { Steps = new V1.LogSteps { Steps = { Wired(step) } } }));
                shown = changed?.State ?? shown;
                AssertAlike(leader, shown!);
            }
        });

    [Fact]
    public void A_commit_that_does_not_follow_is_refused()
    {
        var copy = new StandbyCopy(ClusterState.Empty);
        copy.Take(new V1.FromLeader { Soft = new V1.SoftState { Last = true } });
        var step = Wired(Step.Of(new Commit(2, Samples.Noon, [new Change.LeaderElected(1)])));
        Assert.Throws<InvalidDataException>(() => copy.Take(new V1.FromLeader { Steps = new V1.LogSteps { Steps = { step } } }));
    }

    [Fact]
    public void A_ring_keeps_the_newest_commits_only_and_knows_what_it_does_not_keep()
    {
        var ring = new CommitRing(mostCommits: 3);
        ring.Begin(10);
        Assert.Empty(ring.After(10)!);
        Assert.Null(ring.After(9));
        for (var index = 11; index <= 15; index++)
            ring.Add(Wired(Step.Of(new Commit(index, Samples.Noon, []))));

        Assert.Equal([13, 14, 15], ring.After(12)!.Select(step => step.Commit.Index));
        Assert.Equal([15], ring.After(14)!.Select(step => step.Commit.Index));
        Assert.Null(ring.After(11));
        Assert.Null(ring.After(16));
    }

    [Fact]
    public void Large_states_travel_in_messages_of_bounded_size()
    {
        var state = ClusterState.Empty.After(Samples.ANode(1), new Command.CreateService(Samples.ASpec())).WithTasks("web", 20_000);
        var messages = new CatchUp(state, null).Messages().ToList();
        Assert.True(messages.Count > 4);
        Assert.All(messages, message => Assert.InRange(message.CalculateSize(), 0, 2 << 20));
    }

    private static List<Step> Steps(List<(Command Command, int Seed)> history)
    {
        var steps = new List<Step>();
        var state = ClusterState.Empty;
        Add(Step.Of(new Commit(1, Samples.Noon, [new Change.ClusterFormed(new ClusterId(5)), new Change.LeaderElected(1)])));
        foreach (var (command, seed) in history)
        {
            Commit(Commands.Decide(state, command, Samples.Noon, IdSource.Seeded((int)state.Index)).Changes);
            // As the store does: since when a task ran is in the row of its end.
            Commit([.. Samples.TaskChanges(state, seed).Select(change => change is Change.TaskEnded ended
                ? ended with { Status = ended.Status.After(state.Tasks[ended.Id].Status) }
                : change)]);
            ImmutableArray<Change> soft =
            [
                .. state.Tasks.Values.Where(task => !task.State.IsTerminal() && task.NodeId is not null).Take(2).Select(task => new Change.TaskObserved(
                    task.Id, Samples.Status(seed % 2 == 0 ? TaskState.Running : TaskState.Preparing) with { ContainerId = $"c{seed}", Pid = seed })),
                .. state.Nodes.Values.Take(1).Select(node => new Change.NodeObserved(node.Id, new NodeStatus((NodeState)(seed % 4), $"says {seed}", Samples.Noon))),
            ];
            if (!soft.IsEmpty)
                Add(Step.Of(soft));
        }
        return steps;

        void Commit(ImmutableArray<Change> changes)
        {
            if (!changes.IsEmpty)
                Add(Step.Of(new Commit(state.Index + 1, Samples.Noon.AddSeconds(state.Index), changes)));
        }

        void Add(Step step)
        {
            steps.Add(step);
            state = step.ApplyTo(state);
        }
    }

    private static V1.LogStep Wired(Step step) => V1.LogStep.Parser.ParseFrom(PeerMapper.ToWire(step).ToByteArray());

    private static V1.FromLeader Wired(V1.FromLeader message) => V1.FromLeader.Parser.ParseFrom(message.ToByteArray());

    private static void AssertAlike(ClusterState expected, ClusterState actual)
    {
        Assert.Equal((expected.Index, expected.ClusterId, expected.Epoch), (actual.Index, actual.ClusterId, actual.Epoch));
        Assert.Equal(expected.Services.OrderBy(pair => pair.Key), actual.Services.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Nodes.OrderBy(pair => pair.Key), actual.Nodes.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Tasks.Values.OrderBy(task => task.Id), actual.Tasks.Values.OrderBy(task => task.Id));
        Assert.Equal((expected.LiveTasks, expected.RunningTasks), (actual.LiveTasks, actual.RunningTasks));
    }
}
