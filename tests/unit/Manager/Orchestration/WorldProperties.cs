using System.Collections.Immutable;
using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Orchestration;

/// <summary>What holds whatever happens, over generated histories. A failing case is printed with its seed, shrunk.</summary>
public sealed class WorldProperties
{
    private const int Nodes = 4;

    /// <summary>One thing that happens to a cluster.</summary>
    internal abstract record Event
    {
        public sealed record Node(int At, NodeState State) : Event;
        public sealed record Available(int At, NodeAvailability Availability) : Event;
        public sealed record Label(int At, string Zone) : Event;
        public sealed record Image(string Name) : Event;
        public sealed record Scale(int Replicas) : Event;
        public sealed record Constrain(string Zone) : Event;
        public sealed record Settings(UpdateConfig Config) : Event;
        public sealed record RollBack : Event;
        public sealed record Crash(int At) : Event;
        public sealed record Time(int Seconds) : Event;
        public sealed record Steps(int Count) : Event;
    }

    private static readonly Gen<UpdateConfig> GenConfig =
        from parallelism in Gen.Int[0, 3]
        from order in Gen.OneOf(UpdateOrder.Auto, UpdateOrder.StartFirst, UpdateOrder.StopFirst)
        from action in Gen.OneOf(FailureAction.Pause, FailureAction.Continue, FailureAction.Rollback)
        from ratio in Gen.OneOf(0.0, 0.4)
        from delay in Gen.OneOf(0, 3)
        select new UpdateConfig
        {
            Parallelism = parallelism,
            Order = order,
            FailureAction = action,
            MaxFailureRatio = ratio,
            Delay = TimeSpan.FromSeconds(delay),
        };

    private static readonly Gen<string> GenImage = Gen.OneOf(
        "web:1", "web:2", "web:3", World.Unpullable, World.CrashesAtStart, World.CrashesLater, World.NeverHealthy, World.Completes);

    private static readonly Gen<Event> GenEvent = Gen.Frequency(
        (2, Gen.Select(Gen.Int[0, Nodes - 1], Gen.OneOf(NodeState.Ready, NodeState.Down, NodeState.Disconnected, NodeState.Unknown),
            (at, state) => (Event)new Event.Node(at, state))),
        (2, Gen.Select(Gen.Int[0, Nodes - 1], Gen.OneOf(NodeAvailability.Active, NodeAvailability.Pause, NodeAvailability.Drain),
            (at, availability) => (Event)new Event.Available(at, availability))),
        (1, Gen.Select(Gen.Int[0, Nodes - 1], Gen.OneOf("a", "b"), (at, zone) => (Event)new Event.Label(at, zone))),
        (3, GenImage.Select(name => (Event)new Event.Image(name))),
        (2, Gen.Int[0, 6].Select(replicas => (Event)new Event.Scale(replicas))),
        (1, Gen.OneOf("a", "b", "c").Select(zone => (Event)new Event.Constrain(zone))),
        (1, GenConfig.Select(config => (Event)new Event.Settings(config))),
        (1, Gen.Const((Event)new Event.RollBack())),
        (2, Gen.Int[0, 20].Select(at => (Event)new Event.Crash(at))),
        (1, Gen.OneOf(1, 10, 60, 700).Select(seconds => (Event)new Event.Time(seconds))),
        (6, Gen.Int[1, 12].Select(count => (Event)new Event.Steps(count))));

    private static readonly Gen<RestartPolicy> GenRestart =
        from condition in Gen.OneOf(RestartCondition.Any, RestartCondition.Any, RestartCondition.OnFailure, RestartCondition.None)
        from delay in Gen.OneOf(0, 1, 5)
        from attempts in Gen.OneOf(0, 0, 2)
        select new RestartPolicy { Condition = condition, Delay = TimeSpan.FromSeconds(delay), MaxAttempts = attempts };

    private static readonly Gen<ServiceSpec> GenSpec =
        from replicas in Gen.Int[0, 5]
        from config in GenConfig
        from restart in GenRestart
        from port in Gen.Bool
        from isGlobal in Gen.Frequency((3, Gen.Const(false)), (1, Gen.Const(true)))
        let spec = isGlobal ? Specs.Global(update: config) : Specs.Web(replicas, update: config)
        let restarting = spec with { Rollback = config, Task = spec.Task with { Restart = restart } }
        select port ? restarting.WithFixedPort() : restarting;

    /// <summary>Whatever happened: once it stops, and the spec is one that works, the service converges.</summary>
    [Fact]
    public void A_service_converges_once_faults_stop() =>
        Gen.Select(GenSpec, GenEvent.List[0, 25]).Sample((spec, events) => Converges(spec, events, int.MaxValue), iter: 150, print: Print);

    /// <summary>Large decisions take effect in parts, and the next is made on what the first part led to.</summary>
    [Fact]
    public void A_service_converges_also_when_decisions_take_effect_in_parts() =>
        Gen.Select(GenSpec, GenEvent.List[0, 25], Gen.Int[1, 3]).Sample(
            (spec, events, part) => Converges(spec, events, part), iter: 150, print: Print);

    private static void Converges(ServiceSpec spec, List<Event> events, int changesPerRound)
    {
        var world = World.Of(Nodes);
        world.ChangesPerRound = changesPerRound;
        var web = world.Create(spec);
        world.Invariant = w => AssertAlways(w, web);
        foreach (var happens in events)
            Happen(world, web, happens);

        Calm(world, web);
        world.UntilConverged(web, steps: 900, seconds: 1);
        Assert.Equal(world.Judge(web).Desired, world.Live(web).Count);
    }

    /// <summary>Whatever happened: what was decided and took effect is not decided again. One decision may open the way for
    /// another (the last old task is gone, so the rollout is over), but soon nothing is left to say.</summary>
    [Fact]
    public void Decisions_come_to_rest_and_none_is_made_twice() =>
        Gen.Select(GenSpec, GenEvent.List[0, 15]).Sample(
            (spec, events) =>
            {
                var world = World.Of(Nodes);
                var web = world.Create(spec);
                foreach (var happens in events)
                {
                    Happen(world, web, happens);
                    var made = new HashSet<string>();
                    for (var round = 0; world.Decide(web).Changes is { IsEmpty: false } changes; round++)
                    {
                        foreach (var change in changes.Where(change => change is not Change.ServicePut))
                            world.Demand(made.Add(Subject(change)), $"decided twice: {change}");
                        world.Demand(round < 10, $"still decides in round {round}: {changes[0]}");
                        world.Commit([.. changes]);
                    }
                }
            },
            iter: 150, print: Print);

    private static string Subject(Change change) => change switch
    {
        Change.TaskCreated created => $"create v{created.SpecVersion} in {created.Slot} {created.NodeId}",
        Change.TaskDesired desired => $"{desired.Id} to {desired.DesiredState}",
        _ => $"{change}",
    };

    /// <summary>A working update, nothing else going wrong: the promised availability and the parallelism hold at every moment.</summary>
    [Fact]
    public void An_update_never_exceeds_parallelism_nor_goes_below_what_is_promised() =>
        Gen.Select(Gen.Int[1, 8], GenConfig, Gen.Bool, GenImage, Gen.Bool).Sample(
            (replicas, config, port, image, drain) =>
            {
                var spec = port ? Specs.Web(replicas, "web:0", config).WithFixedPort() : Specs.Web(replicas, "web:0", config);
                var world = World.Of(Nodes);
                var web = world.Create(spec with { Rollback = config });
                world.UntilConverged(web);
                var startsFirst = RolloutRules.StartsFirst(config, spec.Task, spec.Task);
                var parallelism = RolloutRules.Parallelism(config);
                var isGood = image.StartsWith("web", StringComparison.Ordinal);
                world.Invariant = w =>
                {
                    AssertAlways(w, web);
                    if (!isGood)
                        return;
                    w.Demand(w.Running(web).Count >= (startsFirst ? replicas : Math.Max(0, (long)replicas - parallelism)));
                    w.Demand(InReplacement(w, web) <= parallelism);
                };

                if (drain)
                    world.Availability(world.Nodes[0], NodeAvailability.Drain);
                if (isGood || !drain)
                    world.SetImage(web, image);

                if (image is not World.Completes && (isGood || config.FailureAction != FailureAction.Continue))
                    world.Until(w => w.Judge(web).Verdict is not (ProgressVerdict.Converging or ProgressVerdict.RollingBack), steps: 900, seconds: 1);
                if (isGood)
                    Assert.Equal(ProgressVerdict.Converged, world.Judge(web).Verdict);
            },
            iter: 150, print: Print);

    /// <summary>An image that cannot be pulled costs no replica, whatever the settings; with rollback, the old spec is back.</summary>
    [Fact]
    public void An_unpullable_image_costs_nothing() =>
        Gen.Select(Gen.Int[1, 6], GenConfig, Gen.Bool).Sample(
            (replicas, config, port) =>
            {
                var spec = port ? Specs.Web(replicas, update: config).WithFixedPort() : Specs.Web(replicas, update: config);
                var world = World.Of(Nodes);
                var web = world.Create(spec with { Rollback = config });
                world.UntilConverged(web);
                world.Invariant = w => w.Demand(w.Running(web).Count(task => task.SpecVersion == 1) == replicas);

                world.SetImage(web, World.Unpullable);
                world.Steps(60, seconds: 2);

                // Under the ratio, the failures of all slots together pass it; only 'continue' is never over.
                Assert.Equal(config.FailureAction switch
                {
                    FailureAction.Continue => ProgressVerdict.Converging,
                    FailureAction.Pause => ProgressVerdict.Paused,
                    _ => ProgressVerdict.RolledBack,
                }, world.Judge(web).Verdict);
            },
            iter: 40, print: Print);

    /// <summary>A paused update touches no further slot.</summary>
    [Fact]
    public void A_paused_update_touches_no_further_slot() =>
        Gen.Select(Gen.Int[2, 8], Gen.Int[1, 3], GenImage).Sample(
            (replicas, parallelism, image) =>
            {
                if (image.StartsWith("web", StringComparison.Ordinal))
                    return;
                var world = World.Of(Nodes);
                var web = world.Create(Specs.Web(replicas, "web:0", new UpdateConfig { Parallelism = parallelism }));
                world.UntilConverged(web);
                world.SetImage(web, image);
                world.Until(w => w.Service(web).Rollout!.State == RolloutState.Paused, steps: 900, seconds: 1);
                var reached = Reached(world, web);

                world.Steps(100, seconds: 7);

                Assert.Equal(reached, Reached(world, web));
            },
            iter: 40, print: Print);

    private static string Print<T>(T sample) => sample is System.Runtime.CompilerServices.ITuple tuple
        ? string.Join(" | ", Enumerable.Range(0, tuple.Length).Select(at => tuple[at] is List<Event> events ? string.Join(", ", events) : $"{tuple[at]}"))
        : $"{sample}";

    private static HashSet<int> Reached(World world, ServiceId web) =>
        [.. world.Tasks(web).Where(task => task.SpecVersion == 2).Select(task => task.Slot)];

    // Slots between their old task and a running new one: two live tasks, or the old one told to stop and the new one not running.
    private static int InReplacement(World world, ServiceId web) =>
        world.Tasks(web).Where(task => !task.State.IsTerminal()).GroupBy(task => task.Slot)
            .Count(slot => slot.Count() > 1 && !slot.Any(task => task.Runs() && !slot.Any(other => other.IsLive && other.Id != task.Id))
                || slot.Count() == 1 && !slot.First().Runs() && world.Tasks(web).Any(task => task.Slot == slot.Key && task.DesiredState == TaskState.Shutdown));

    private static void AssertAlways(World world, ServiceId web)
    {
        foreach (var slot in world.Live(web).GroupBy(SlotKey.Of))
            world.Demand(slot.Count(task => !IsGone(world, task)) <= 2, $"more than two live tasks in {slot.Key}");
    }

    private static bool IsGone(World world, ServiceTask task) =>
        task.NodeId is { } id && (!world.State.Nodes.TryGetValue(id, out var node) || node.Status.State == NodeState.Down);

    private static void Happen(World world, ServiceId web, Event happens)
    {
        switch (happens)
        {
            case Event.Node node:
                world.SetNode(world.Nodes[node.At], node.State);
                break;
            case Event.Available available:
                world.Availability(world.Nodes[available.At], available.Availability);
                break;
            case Event.Label label:
                world.Edit(world.Nodes[label.At], spec => spec with { Labels = ValueMap.Of("zone", label.Zone) });
                break;
            case Event.Image image:
                world.SetImage(web, image.Name);
                break;
            case Event.Scale scale:
                if (world.Service(web).Replicas is not null)
                    world.Scale(web, scale.Replicas);
                break;
            case Event.Constrain constrain:
                world.Revise(web, spec => spec.Constrained($"node.labels.zone!={constrain.Zone}"));
                break;
            case Event.Settings settings:
                world.Revise(web, spec => spec with { Update = settings.Config });
                break;
            case Event.RollBack:
                world.RollBack(web);
                break;
            case Event.Crash crash:
                var running = world.Running(web);
                if (running.Count > 0)
                    world.Fail(running[crash.At % running.Count]);
                break;
            case Event.Time time:
                world.Pass(TimeSpan.FromSeconds(time.Seconds));
                break;
            case Event.Steps steps:
                world.Steps(steps.Count);
                break;
        }
    }

    // All nodes well, and a spec that works, as a person would deploy it to end the trouble.
    private static void Calm(World world, ServiceId web)
    {
        foreach (var node in world.Nodes)
        {
            world.SetNode(node, NodeState.Ready);
            world.Availability(node, NodeAvailability.Active);
        }
        world.Revise(web, spec => Specs.Web(image: "web:calm") with
        {
            Mode = spec.Mode,
            Update = spec.Update with { Delay = TimeSpan.Zero },
        });
    }
}
