using System.Collections.Immutable;
using System.Net;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using CsCheck;
using Google.Protobuf;
using static Berth.Tests.Manager.Store.Samples;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Store;

/// <summary>What is read back is what was written: from the journal alone, and from a snapshot with what followed it.</summary>
public sealed class JournalTests
{
    private static readonly Gen<List<(Command Command, int Seed)>> Histories = Gen.Select(AnyCommand, Gen.Int[0, 1000]).List[1, 25];

    [Fact]
    public void A_replay_of_the_rows_gives_the_live_state() => Histories.Sample(history =>
    {
        var (live, commits) = Live(history);
        var replayed = commits.Aggregate(ClusterState.Empty, (state, commit) => state.Apply(Reread(commit)));
        AssertSame(live, replayed);
    });

    [Fact]
    public void A_snapshot_and_the_rows_after_it_give_the_live_state() => Gen.Select(Histories, Gen.Int[0, 25], Gen.Int[1, 2000]).Sample((history, at, chunkBytes) =>
    {
        var (live, commits) = Live(history);
        var kept = commits.Take(at).Aggregate(ClusterState.Empty, (state, commit) => state.Apply(commit));
        var chunks = Snapshots.Split(kept, chunkBytes).Select(chunk => V1.SnapshotChunk.Parser.ParseFrom(chunk.ToByteArray())).ToList();
        var restored = Snapshots.Join(Snapshots.Header(kept, 1, chunks.Count), chunks);
        AssertSame(kept, restored);
        AssertSame(live, commits.Skip(at).Aggregate(restored, (state, commit) => state.Apply(Reread(commit))));
    });

    [Fact]
    public void Chunks_are_about_as_large_as_asked()
    {
        var state = Enumerable.Range(1, 200).Aggregate(ClusterState.Empty, (state, number) => state.After(new Command.CreateService(ASpec($"web{number}"))));
        var chunks = Snapshots.Split(state, 1000).ToList();
        Assert.True(chunks.Count > 10);
        Assert.All(chunks, chunk => Assert.InRange(chunk.CalculateSize(), 1, 1500));
    }

    [Fact]
    public void Every_durable_change_survives_its_row()
    {
        var service = ServiceRevisions.Create(new ServiceId(1), ASpec(), Noon) with
        {
            PreviousSpec = ASpec(image: "web:0"),
            PreviousSpecVersion = 4,
            LastSpecVersion = 9,
            Rollout = new Rollout { State = RolloutState.Paused, StartedAt = Noon, ProgressAt = Noon, CompletedAt = Noon, Message = "m", Slots = 3, Failed = [new TaskId(7)] },
        };
        var ended = Status(TaskState.Failed) with { Err = "e", ContainerId = "c", Pid = 5, ExitCode = 0, OomKilled = true, Ports = [new PortConfig(1, 2, PortProtocol.Udp)], RunningSince = Noon };
        ImmutableArray<Change> changes =
        [
            new Change.ClusterFormed(new ClusterId(UInt128.MaxValue)),
            new Change.LeaderElected(3),
            new Change.LevelRaised(2),
            new Change.ServicePut(service),
            new Change.ServiceRemoved(new ServiceId(2)),
            new Change.StackPut(new Stack { Id = new StackId(3), Name = "shop", CreatedAt = Noon, UpdatedAt = Noon }),
            new Change.StackRemoved("shop"),
            new Change.NodePut(new Node
            {
                Id = new NodeId(4), CreatedAt = Noon, UpdatedAt = Noon, Description = ANode(4).Description,
                Spec = new NodeSpec { Availability = NodeAvailability.Drain, Role = NodeRole.Manager, Labels = ValueMap.Of("a", "b") },
            }),
            new Change.NodeRemoved(new NodeId(5)),
            new Change.TaskCreated(new TaskId(6), new ServiceId(1), 2, new NodeId(4), 8, TaskState.Ready, 3, Noon),
            new Change.TaskCreated(new TaskId((UInt128)1 << 100), new ServiceId(1), 0, null, 8, TaskState.Running, 0, null) { Made = Noon.AddHours(-1) },
            new Change.TaskAssigned(new TaskId(6), new NodeId(4)),
            new Change.TaskDesired(new TaskId(6), TaskState.Shutdown, "why"),
            new Change.TaskRespecified(new TaskId(6), 9),
            new Change.TaskEnded(new TaskId(6), ended),
            new Change.TaskRemoved(new TaskId(6)),
            new Change.TrustPut(Samples.Trust),
            new Change.TrustPut(Samples.Trust with { Other = Samples.OtherAuthority, Phase = RotationPhase.Moving }),
            new Change.TrustPut(Samples.Trust with
            {
                CutsClients = true,
                Retired = [new RetiredAuthority(Samples.OtherAuthority.CertificatePem, Noon.AddDays(90))],
                Endorsements = [new Berth.Identity.AuthorityEndorsement("a", "b", "c")],
            }),
            new Change.SettingsPut(new ClusterSettings { CertificateValidity = TimeSpan.FromHours(3), ExternalAuthority = "https://ca:8888/sign" }),
            new Change.IdentityPut(Samples.Identity),
            new Change.IdentityPut(Samples.Identity with { Manager = null, AwaitsApproval = true, IsApproved = true }),
            new Change.ClientPut(new Client { Name = "ann", Role = ClientRole.Deployer, Stacks = ["shop", "blog"], CreatedAt = Noon, ExpiresAt = Noon.AddDays(90), Serial = "0A", KeyHash = "ff" }),
            new Change.ClientRemoved("ann"),
            new Change.NetworkPut(new Network
            {
                Id = new NetworkId(9), CreatedAt = Noon, Subnet = IPNetwork.Parse("10.130.0.0/20"), IsLeaving = true,
                Spec = new NetworkSpec
                {
                    Name = "shop_front", Labels = ValueMap.Of("a", "b"), DriverOptions = ValueMap.Of(NetworkSpec.MtuOption, "1400"), IsInternal = true, IsAttachable = true,
                    Subnet = IPNetwork.Parse("10.130.0.0/20"),
                },
            }),
            new Change.NetworkRemoved(new NetworkId(9)),
            new Change.NodeNetworksPut(new NodeId(4), 3, [new NodeSlice(new NetworkId(9), IPNetwork.Parse("10.130.0.64/26"))]),
            new Change.SettingsPut(new ClusterSettings { NetworkPool = IPNetwork.Parse("10.64.0.0/12"), NetworkSize = 22 }),
            new Change.UnlockKeySet("BERTHKEY-1-x"),
            new Change.UnlockKeySet(null),
            new Change.StoreAuthorityPut(new StoreAuthority("certificate", "key")),
        ];
        var durable = typeof(Change).GetNestedTypes().Where(type => type != typeof(Change.TaskObserved) && type != typeof(Change.NodeObserved));
        Assert.Equal(durable.OrderBy(type => type.Name), changes.Select(change => change.GetType()).Distinct().OrderBy(type => type.Name));
        Assert.Equal(changes.AsEnumerable(), Reread(new Commit(42, Noon, changes)).Changes.AsEnumerable());
    }

    [Fact]
    public void The_first_reason_to_stop_is_kept_and_none_is_made_up_for_a_task_that_ended_before()
    {
        var state = ClusterState.Empty.After(new Command.CreateService(ASpec())).WithTasks("web", 2);
        var (stopped, failed) = (state.Tasks.Values.First().Id, state.Tasks.Values.Last().Id);
        state = state.Apply(new Commit(state.Index + 1, Noon,
        [
            new Change.TaskDesired(stopped, TaskState.Running, "its time has come"),
            new Change.TaskDesired(stopped, TaskState.Shutdown, "its node is drained"),
            new Change.TaskDesired(stopped, TaskState.Remove, "service removed"),
            new Change.TaskEnded(failed, Status(TaskState.Failed)),
            new Change.TaskDesired(failed, TaskState.Remove, "service removed"),
        ]));

        Assert.Equal((TaskState.Remove, "its node is drained"), (state.Tasks[stopped].DesiredState, state.Tasks[stopped].StopReason));
        Assert.Equal((TaskState.Remove, ""), (state.Tasks[failed].DesiredState, state.Tasks[failed].StopReason));
    }

    [Fact]
    public void A_node_given_to_a_task_that_is_gone_holds_nothing()
    {
        var state = ClusterState.Empty.Apply(new Commit(1, Noon, [new Change.TaskAssigned(new TaskId(6), new NodeId(1))]));

        Assert.Empty(state.TasksByNode);
        Assert.Empty(state.TasksOn(new NodeId(1)));
    }

    [Fact]
    public void A_soft_change_is_never_written() => Assert.Throws<ArgumentOutOfRangeException>(() =>
        JournalMapper.ToWire(new Commit(1, Noon, [new Change.NodeObserved(new NodeId(1), NodeStatus.Unknown)])));

    [Fact]
    public void A_row_of_a_newer_version_is_refused_with_what_to_do() =>
        Assert.Contains("newer", Assert.Throws<NewerReleaseException>(() =>
            JournalMapper.ToModel(new V1.JournalCommit { Index = 7, Changes = { new V1.JournalChange() } })).Message);

    [Fact]
    public void A_thousand_new_tasks_take_few_bytes_each()
    {
        var ids = IdSource.Seeded(1);
        var commit = new Commit(1, Noon, [.. Enumerable.Range(1, 1000).Select(slot =>
            new Change.TaskCreated(new TaskId(ids.Next()), new ServiceId(ids.Next()), slot, null, 1, TaskState.Running, 0, null))]);
        Assert.InRange(JournalMapper.ToWire(commit).CalculateSize(), 16_000, 55_000);
    }

    private static (ClusterState Live, List<Commit> Commits) Live(List<(Command Command, int Seed)> history)
    {
        var state = ClusterState.Empty.Committed(new Change.ClusterFormed(new ClusterId(5)), new Change.LeaderElected(1));
        var commits = new List<Commit> { new(1, Noon, [new Change.ClusterFormed(new ClusterId(5)), new Change.LeaderElected(1)]) };
        foreach (var (command, seed) in history)
        {
            Commit(Commands.Decide(state, command, Noon, IdSource.Seeded((int)state.Index)).Changes);
            Commit(TaskChanges(state, seed));
            // Soft words in between must leave no trace in what is read back.
            state = state.Observe([.. state.Tasks.Values.Where(task => task.State is TaskState.Assigned).Take(2)
                .Select(task => new Change.TaskObserved(task.Id, Status(TaskState.Preparing)))]);
        }
        return (state, commits);

        void Commit(ImmutableArray<Change> changes)
        {
            if (changes.IsEmpty)
                return;
            var commit = new Commit(state.Index + 1, Noon.AddSeconds(state.Index), changes);
            commits.Add(commit);
            state = state.Apply(commit);
        }
    }

    private static Commit Reread(Commit commit) =>
        JournalMapper.ToModel(V1.JournalCommit.Parser.ParseFrom(JournalMapper.ToWire(commit).ToByteArray()));

    private static void AssertSame(ClusterState expected, ClusterState actual)
    {
        Assert.Equal((expected.Index, expected.ClusterId, expected.Epoch), (actual.Index, actual.ClusterId, actual.Epoch));
        Assert.Equal(expected.Services.OrderBy(pair => pair.Key), actual.Services.OrderBy(pair => pair.Key));
        Assert.Equal(expected.ServiceNames.OrderBy(pair => pair.Key), actual.ServiceNames.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Stacks.OrderBy(pair => pair.Key), actual.Stacks.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Nodes.OrderBy(pair => pair.Key), actual.Nodes.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Tasks.Values.Select(Hardened).OrderBy(task => task.Id), actual.Tasks.Values.Select(Hardened).OrderBy(task => task.Id));
        Assert.Equal(expected.Networks.OrderBy(pair => pair.Key), actual.Networks.OrderBy(pair => pair.Key));
        Assert.Equal(expected.NetworkNames.OrderBy(pair => pair.Key), actual.NetworkNames.OrderBy(pair => pair.Key));
        Assert.Equal(
            expected.ServicesByNetwork.SelectMany(pair => pair.Value.Select(id => (pair.Key, id))).Order(),
            actual.ServicesByNetwork.SelectMany(pair => pair.Value.Select(id => (pair.Key, id))).Order());
        Assert.Equal(expected.Published.Order(), actual.Published.Order());
        Assert.Equal(expected.Clients.OrderBy(pair => pair.Key), actual.Clients.OrderBy(pair => pair.Key));
        Assert.Equal(expected.UnlockKey, actual.UnlockKey);
        Assert.Equal((expected.FormedAt, expected.Trust, expected.Settings), (actual.FormedAt, actual.Trust, actual.Settings));
        Assert.Equal(expected.Identities.OrderBy(pair => pair.Key), actual.Identities.OrderBy(pair => pair.Key));
        Assert.Equal(expected.RemovedKeys.OrderBy(pair => pair.Key), actual.RemovedKeys.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Unassigned.Order(), actual.Unassigned.Order());
        Assert.Equal(
            expected.TaskSpecs.SelectMany(service => service.Value.Select(spec => (service.Key, spec.Key, spec.Value))).OrderBy(spec => (spec.Item1, spec.Item2)),
            actual.TaskSpecs.SelectMany(service => service.Value.Select(spec => (service.Key, spec.Key, spec.Value))).OrderBy(spec => (spec.Item1, spec.Item2)));
        Assert.Equal(expected.TasksByNode.SelectMany(node => node.Value.Select(task => (node.Key, task))).Order(), actual.TasksByNode.SelectMany(node => node.Value.Select(task => (node.Key, task))).Order());
    }

    // Of a task that has not ended, only whether it has a node outlives a manager.
    private static ServiceTask Hardened(ServiceTask task) => task.State.IsTerminal() ? task : task with
    {
        Status = Status(task.State >= TaskState.Assigned ? TaskState.Assigned : TaskState.Pending),
    };
}
