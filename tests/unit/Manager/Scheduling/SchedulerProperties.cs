using System.Collections.Immutable;
using Berth.Manager.Scheduling;
using Berth.Manager.Store;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Scheduling;

public sealed class SchedulerProperties
{
    private static readonly Gen<(int Cpus, int Memory, int Zone, int Availability, int State)> GenNode =
        Gen.Select(Gen.Int[1, 8], Gen.Int[1, 8], Gen.Int[0, 2], Gen.Int[0, 9], Gen.Int[0, 9]);

    private static readonly Gen<(int Cpu, int Memory, int Max, int Port, int Rule, int Replicas)> GenService =
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 7], Gen.Int[0, 12]);

    private static readonly Gen<(
        (int Cpus, int Memory, int Zone, int Availability, int State)[] Nodes,
        (int Cpu, int Memory, int Max, int Port, int Rule, int Replicas)[] Services,
        int[] Fates)> GenScene = Gen.Select(GenNode.Array[0, 8], GenService.Array[1, 5], Gen.Int[0, 9].Array[60]);

    [Fact]
    public void Constraints_reservations_ports_and_limits_always_hold_and_whoever_waits_says_why() => GenScene.Sample(input =>
    {
        var scene = Build(input);
        var before = scene.State;
        var changes = scene.Schedule();

        foreach (var assigned in changes.OfType<Change.TaskAssigned>())
        {
            var node = scene.State.Nodes[assigned.NodeId];
            Assert.Equal((NodeState.Ready, NodeAvailability.Active), (node.Status.State, node.Spec.Availability));
            Assert.True(node.Satisfies(scene.State.Tasks[assigned.Id].Spec.Placement.Constraints));
        }
        foreach (var node in scene.State.Nodes.Values)
            HoldsOn(scene.State, node);
        foreach (var waiting in scene.State.Unassigned)
            Assert.NotEqual("", scene.State.Tasks[waiting].Status.Err);
        Assert.Equal(before.Unassigned.Count - scene.State.Unassigned.Count, changes.OfType<Change.TaskAssigned>().Count());
    });

    [Fact]
    public void Whoever_waits_really_fits_nowhere() => GenScene.Sample(input =>
    {
        var scene = Build(input);
        scene.Schedule();
        FitNowhere(scene);
    });

    [Fact]
    public void Deciding_again_changes_nothing() => GenScene.Sample(input =>
    {
        var scene = Build(input);
        scene.Schedule();
        Assert.Empty(scene.Schedule());
    });

    [Fact]
    public void The_order_in_which_the_state_came_to_be_does_not_matter() => GenScene.Sample(input =>
    {
        var state = Build(input).State;
        var restored = ClusterState.Restore(
            state.Index, state.ClusterId, state.Epoch, state.Services.Values.Reverse(), [], state.Nodes.Values.Reverse(),
            state.TaskSpecs.SelectMany(specs => specs.Value.Select(spec => (specs.Key, spec.Key, spec.Value))),
            state.Tasks.Values.OrderByDescending(task => task.Id));
        var now = SchedulingScene.Start + TimeSpan.FromHours(1);
        Assert.Equal<Change>([.. Scheduler.Decide(state, now).Changes], [.. Scheduler.Decide(restored, now).Changes]);
    });

    // Not the same as one large pass: who waits longest comes first, and after each pass others may wait longest. Whoever
    // goes first takes the room, so in a full cluster the one order may place more tasks than the other.
    [Fact]
    public void Small_passes_break_no_rule_and_leave_nobody_waiting_who_fits() => GenScene.Sample(input =>
    {
        var scene = Build(input);
        InSmallPasses(scene);
        foreach (var node in scene.State.Nodes.Values)
            HoldsOn(scene.State, node);
        FitNowhere(scene);
        Assert.Empty(scene.Schedule());
    });

    [Fact]
    public void Small_passes_place_one_service_as_one_large_pass_does() => GenScene.Sample(input =>
    {
        var alone = input with { Services = input.Services[..1] };
        var (small, large) = (Build(alone), Build(alone));
        InSmallPasses(small);
        large.Schedule();
        Assert.Equal(large.State.Tasks.Keys.Order().Select(large.NodeOf), small.State.Tasks.Keys.Order().Select(small.NodeOf));
    });

    [Fact]
    public void Equal_empty_nodes_are_filled_evenly() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 60], Gen.Int[1, 60]).Sample((nodes, first, second) =>
        {
            var scene = new SchedulingScene();
            var ids = Enumerable.Range(1, nodes).Select(i => scene.Node($"n{i}")).ToArray();
            ServiceId[] services = [scene.Service("first", replicas: first), scene.Service("second", replicas: second)];
            scene.Schedule();

            foreach (var service in services)
                IsEven(scene.TasksPerNode(service, ids));
            IsEven([.. ids.Select(id => scene.State.TasksOn(id).Count())]);
        });

    [Fact]
    public void Usage_kept_step_by_step_is_the_usage_of_the_state() => GenScene.Sample(input =>
    {
        var scene = Build(input);
        var usage = ClusterUsage.Of(scene.State);
        var before = scene.State;
        scene.Schedule();
        foreach (var (task, at) in scene.State.Tasks.Values.OrderBy(task => task.Id).Select((task, at) => (task, at)))
        {
            if (at % 3 == 0)
                scene.Ended(task.Id, TaskState.Failed);
            else if (at % 3 == 1)
                scene.Commit(new Change.TaskRemoved(task.Id));
        }
        usage.Update(before, scene.State, before.Tasks.Keys.Concat(scene.State.Tasks.Keys).Distinct());

        var counted = ClusterUsage.Of(scene.State);
        foreach (var node in scene.State.Nodes.Keys)
        {
            Assert.Equal(counted.On(node).Reserved, usage.On(node).Reserved);
            Assert.Equal(counted.On(node).Live, usage.On(node).Live);
            Assert.All(scene.State.Services.Keys, service => Assert.Equal(counted.On(node).LiveOf(service), usage.On(node).LiveOf(service)));
            Assert.All(Enumerable.Range(0, 4), port => Assert.Equal(
                counted.On(node).Holders(new PortConfig(80, port)), usage.On(node).Holders(new PortConfig(80, port))));
        }
    });

    private static void IsEven(int[] counts) => Assert.True(counts.Max() - counts.Min() <= 1, string.Join(" ", counts));

    private static void InSmallPasses(SchedulingScene scene)
    {
        Placements pass;
        do
        {
            pass = Scheduler.Decide(scene.State, ClusterUsage.Of(scene.State), scene.Now, limit: 3);
            Assert.True(pass.Changes.Length <= 3);
            scene.Commit([.. pass.Changes.Where(change => change.IsDurable)]);
            scene.Observe([.. pass.Changes.Where(change => !change.IsDurable)]);
        }
        while (!pass.IsComplete);
    }

    private static void FitNowhere(SchedulingScene scene)
    {
        foreach (var id in scene.State.Unassigned)
        {
            Assert.NotEqual("", scene.State.Tasks[id].Status.Err);
            foreach (var node in scene.State.Nodes.Values)
            {
                if (node.Status.State != NodeState.Ready || node.Spec.Availability != NodeAvailability.Active
                    || scene.NodeOf(id) is { } own && own != node.Id)
                {
                    continue;
                }
                var tried = scene.State.Apply(new Commit(scene.State.Index + 1, scene.Now, [new Change.TaskAssigned(id, node.Id)]));
                Assert.False(
                    node.Satisfies(tried.Tasks[id].Spec.Placement.Constraints) && Problems(tried, node).Count == 0,
                    $"{id} would fit on {node.Description.Hostname}");
            }
        }
    }

    // A first wave is placed and given fates; then come successors of some of it, and a second wave, unplaced.
    private static SchedulingScene Build((
        (int Cpus, int Memory, int Zone, int Availability, int State)[] Nodes,
        (int Cpu, int Memory, int Max, int Port, int Rule, int Replicas)[] Services,
        int[] Fates) input)
    {
        var scene = new SchedulingScene();
        foreach (var (node, at) in input.Nodes.Select((node, at) => (node, at)))
        {
            scene.Node(
                $"n{at}", node.Cpus, (long)node.Memory << 30, labels: ValueMap.Of("zone", $"z{node.Zone}"),
                availability: node.Availability switch { 0 => NodeAvailability.Drain, 1 => NodeAvailability.Pause, _ => NodeAvailability.Active },
                state: node.State switch { 0 => NodeState.Down, 1 => NodeState.Disconnected, _ => NodeState.Ready });
        }
        var services = input.Services.Select((service, at) => (Id: scene.Service($"s{at}", Spec(service), service.Replicas), service.Replicas)).ToList();
        scene.Schedule();

        var at2 = 0;
        foreach (var task in scene.State.Tasks.Values.OrderBy(task => task.ServiceId).ThenBy(task => task.Slot).ToList())
            Befall(scene, task, input.Fates[at2++ % input.Fates.Length]);
        foreach (var (id, replicas) in services)
            scene.Task(id, replicas + 1);
        if (input.Nodes.Length > 0)
            scene.Task(services[0].Id, 0, node: scene.State.Nodes.Keys.Min());
        return scene;
    }

    private static void Befall(SchedulingScene scene, ServiceTask task, int fate)
    {
        if (task.NodeId is null)
            return;
        scene.Observe(new Change.TaskObserved(task.Id, new ServiceTaskStatus { State = TaskState.Running, Timestamp = scene.Now }));
        switch (fate)
        {
            case 0 or 1:
                scene.Task(task.ServiceId, task.Slot, TaskState.Ready);
                break;
            case 2:
                scene.Task(task.ServiceId, task.Slot);
                break;
            case 3:
                scene.Ended(task.Id, TaskState.Failed);
                scene.Task(task.ServiceId, task.Slot, TaskState.Ready);
                break;
            case 4:
                scene.Desire(task.Id, TaskState.Shutdown);
                scene.Task(task.ServiceId, task.Slot, TaskState.Ready);
                break;
        }
    }

    private static TaskSpec Spec((int Cpu, int Memory, int Max, int Port, int Rule, int Replicas) service) => SchedulingScene.Spec(
        new Resources(service.Cpu * 500_000_000L, service.Memory * (512L << 20)),
        service.Max,
        service.Port == 0 ? default : [new PortConfig(80, service.Port)],
        service.Rule % 2 == 0 ? ["node.labels.zone"] : default,
        service.Rule switch { 0 or 1 => ["node.labels.zone==z1"], 2 => ["node.labels.zone!=z0", "node.hostname!=n1"], _ => [] });

    private static void HoldsOn(ClusterState state, Node node) => Assert.Empty(Problems(state, node));

    // Judged apart from the scheduler: of a task and its waiting successor on one node only the larger one counts.
    private static List<string> Problems(ClusterState state, Node node)
    {
        var problems = new List<string>();
        var slots = state.TasksOn(node.Id)
            .Where(task => task.State >= TaskState.Assigned && !task.State.IsTerminal())
            .GroupBy(task => (task.ServiceId, task.Slot))
            .Select(slot => slot.OrderBy(task => task.CreatedAt).ThenBy(task => task.Id).ToList())
            .SelectMany(slot => slot is [var old, { DesiredState: TaskState.Ready } next] ? [(Spec: old.Spec, old.ServiceId, Live: next.IsLive || old.IsLive)]
                : slot.Select(task => (task.Spec, task.ServiceId, Live: task.IsLive)))
            .ToList();

        var reserved = slots.Aggregate(default(Resources), (sum, slot) => sum + slot.Spec.Resources.Reservations);
        if (reserved.NanoCpus > node.Description.Capacity.NanoCpus || reserved.MemoryBytes > node.Description.Capacity.MemoryBytes)
            problems.Add($"{reserved} of {node.Description.Capacity}");
        foreach (var port in slots.SelectMany(slot => slot.Spec.Ports).GroupBy(port => port.Published).Where(port => port.Count() > 1))
            problems.Add($"port {port.Key} {port.Count()} times");
        foreach (var service in slots.Where(slot => slot.Live).GroupBy(slot => slot.ServiceId))
        {
            var limit = service.First().Spec.Placement.MaxReplicasPerNode;
            if (limit > 0 && service.Count() > limit)
                problems.Add($"{service.Count()} of at most {limit}");
        }
        return problems;
    }
}
