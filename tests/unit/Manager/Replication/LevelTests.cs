using Berth.Manager.Replication;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Berth.Tests.Manager.Store;
using CsCheck;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Replication;

public sealed class LevelTests
{
    private static readonly NodeId Me = new(1);

    [Fact]
    public void The_state_is_raised_once_every_manager_reads_it_and_never_lowered()
    {
        var manager = Gen.Select(Gen.Int[1, 5], Gen.Bool);
        Gen.Select(Gen.Int[1, 5], Gen.Int[1, 5], manager.Array[0, 4]).Sample((own, level, others) =>
        {
            var state = State(level, others.Length);
            Standby[] there = [.. others.Select((other, at) => (other, at)).Where(one => one.other.Item2).Select(one => new Standby(new NodeId((UInt128)(one.at + 2)), "", 1) { Level = one.other.Item1 })];

            var raised = LevelDecider.Decide(state, Me, own, there);

            if (raised is not { } to)
            {
                Assert.True(there.Length < others.Length || own <= level || others.Any(other => other.Item1 <= level));
                return;
            }
            Assert.True(to > level && to <= own && others.All(other => other.Item2 && other.Item1 >= to));
            Assert.Null(LevelDecider.Decide(state.Apply(new Commit(state.Index + 1, Samples.Noon, [new Change.LevelRaised(to)])), Me, own, there));
        });
    }

    [Fact]
    public void Workers_do_not_count() => Assert.Equal(2, LevelDecider.Decide(State(1, managers: 0), Me, 2, []));

    [Fact]
    public void A_level_outlives_snapshots_and_rows()
    {
        var state = State(ReleaseLevel.Newest, managers: 2);
        var header = Snapshots.Header(state, 1, 1);

        Assert.Equal(ReleaseLevel.Newest, Snapshots.Join(header, [.. Snapshots.Split(state, 1 << 20)]).Level);
        header.Level = 0;
        Assert.Equal(ReleaseLevel.First, Snapshots.Join(header, [.. Snapshots.Split(state, 1 << 20)]).Level);
    }

    [Fact]
    public void A_state_of_a_later_release_is_not_read_in_part()
    {
        var state = State(1, managers: 0);
        var header = Snapshots.Header(state, 1, 1);
        header.Level = ReleaseLevel.Own + 1;

        var refused = Assert.Throws<NewerReleaseException>(() => Snapshots.Join(header, []));
        Assert.Contains($"release level {ReleaseLevel.Own + 1}, and this berth-manager reads up to level {ReleaseLevel.Own}", refused.Message, StringComparison.Ordinal);

        V1.FromLeader Step(V1.JournalChange change) => new() { Steps = new V1.LogSteps { Steps = { new V1.LogStep { Commit = new V1.JournalCommit { Index = state.Index + 1, Changes = { change } } } } } };
        Assert.Throws<NewerReleaseException>(() => new StandbyCopy(state).Take(Step(new V1.JournalChange { LevelRaised = ReleaseLevel.Own + 1 })));
        // What a later release writes looks like a change without a kind.
        Assert.Throws<NewerReleaseException>(() => new StandbyCopy(state).Take(Step(new V1.JournalChange())));
    }

    private static ClusterState State(int level, int managers)
    {
        var state = ClusterState.Empty.Apply(new Commit(1, Samples.Noon, [new Change.ClusterFormed(new ClusterId(5)), new Change.LevelRaised(level)]));
        Node Of(int id, NodeRole role) => new() { Id = new NodeId((UInt128)id), CreatedAt = Samples.Noon, UpdatedAt = Samples.Noon, Spec = new NodeSpec { Role = role }, Description = new NodeDescription { Hostname = $"host{id}" } };
        return state.Apply(new Commit(2, Samples.Noon,
            [new Change.NodePut(Of(1, NodeRole.Manager)), new Change.NodePut(Of(99, NodeRole.Worker)), .. Enumerable.Range(2, managers).Select(id => new Change.NodePut(Of(id, NodeRole.Manager)))]));
    }
}
