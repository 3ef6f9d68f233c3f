using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Store;

/// <summary>Objects of the store's tests, each showing only what matters, and generators of whole histories.</summary>
internal static partial class Samples
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static ServiceSpec ASpec(string name = "web", string image = "web:1", int replicas = 2) => new()
    {
        Name = name,
        Task = new TaskSpec { Container = new ContainerSpec { Image = image } },
        Mode = new ServiceMode.Replicated(replicas),
    };

    public static ServiceSpec AGlobalSpec(string name) => ASpec(name) with { Mode = new ServiceMode.Global() };

    public static StackSpec AStack(string name, params ValueList<ServiceSpec> services) => new() { Name = name, Services = services };

    public static Command.RegisterNode ANode(int number, string? hostname = null) => new(
        new NodeId((UInt128)number), NodeRole.Worker, new NodeDescription { Hostname = hostname ?? $"host{number}", Capacity = new Resources(4_000_000_000, 8L << 30) });

    public static ServiceTaskStatus Status(TaskState state, string message = "as a test says") =>
        new() { State = state, Timestamp = Noon, Message = message };

    /// <summary>The state after commands that must not be refused.</summary>
    public static ClusterState After(this ClusterState state, params Command[] commands)
    {
        var ids = IdSource.Seeded((int)state.Index + 17);
        foreach (var command in commands)
        {
            var decision = Commands.Decide(state, command, Noon, ids);
            Assert.Null(decision.Refusal);
            state = state.Committed([.. decision.Changes]);
        }
        return state;
    }

    /// <summary>The state after one commit; the state itself when there is nothing to commit.</summary>
    public static ClusterState Committed(this ClusterState state, params Change[] changes) =>
        changes.Length == 0 ? state : state.Apply(new Commit(state.Index + 1, Noon.AddSeconds(state.Index), [.. changes]));

    /// <summary>The state after the service got running tasks on node 1, one a slot.</summary>
    public static ClusterState WithTasks(this ClusterState state, string service, int count)
    {
        var found = state.FindService(service)!;
        var ids = IdSource.Seeded((int)state.Index + 99);
        var created = Enumerable.Range(1, count).Select(slot => new Change.TaskCreated(
            new TaskId(ids.Next()), found.Id, slot, new NodeId(1), found.SpecVersion, TaskState.Running, 0, null)).ToArray();
        return state.Committed(created)
            .Observe([.. created.Select(task => new Change.TaskObserved(task.Id, Status(TaskState.Running)))]);
    }

    /// <summary>Specs that the rules allow, of few names so that histories meet.</summary>
    public static Gen<ServiceSpec> Specs { get; } =
        from name in Gen.OneOf("web", "db", "shop_web", "shop_db", "shop_cache", "blog_web")
        from image in Gen.OneOf("web:1", "web:2", "db:15")
        from replicas in Gen.Int[-1, 4]
        from label in Gen.OneOf("a", "b")
        from env in Gen.OneOf("A=1", "A=2", "B")
        from port in Gen.Int[0, 3]
        from parallelism in Gen.Int[0, 3]
        from action in Gen.Enum<FailureAction>()
        select new ServiceSpec
        {
            Name = name,
            Labels = ValueMap.Of("label", label),
            Mode = replicas < 0 ? new ServiceMode.Global() : new ServiceMode.Replicated(replicas),
            Update = new UpdateConfig { Parallelism = parallelism, FailureAction = action },
            Task = new TaskSpec
            {
                Container = new ContainerSpec
                {
                    Image = image,
                    Env = [env],
                    Healthcheck = port == 1 ? new Healthcheck { Test = ["CMD", "true"], Interval = TimeSpan.FromSeconds(1) } : null,
                    Mounts = port == 2 ? [new Mount { Type = MountType.Volume, Source = "v", Target = "/v" }] : [],
                },
                Ports = port == 0 ? [] : [new PortConfig(80, 8080 + port)],
                Placement = new Placement { Constraints = port == 3 ? [new Constraint("node.labels.zone", false, label)] : [] },
            },
        };

    /// <summary>Commands of every kind, right and wrong ones.</summary>
    public static Gen<Command> AnyCommand { get; } = Gen.OneOf(
        Gen.Select(Specs.List[0, 3], Gen.Bool, Gen.OneOf("shop", "blog"), (specs, keep, stack) => (Command)new Command.DeployStack(
            AStack(stack, specs.DistinctBy(spec => spec.Name).Where(spec => spec.Name.StartsWith(stack + "_", StringComparison.Ordinal)).ToValueList()), keep)),
        Gen.OneOf("shop", "blog").Select(stack => (Command)new Command.RemoveStack(stack)),
        Specs.Select(spec => (Command)new Command.CreateService(spec)),
        Gen.Select(Specs, Gen.Long[0, 30], (spec, version) => (Command)new Command.UpdateService(spec.Name, version < 20 ? 0 : version, spec)),
        Gen.Select(Specs, Specs, Gen.Int[-1, 5], (one, two, count) => (Command)new Command.ScaleServices([(one.Name, count), (two.Name, 1)])),
        Specs.Select(spec => (Command)new Command.RollbackService(spec.Name)),
        Gen.Select(Specs, Specs, (one, two) => (Command)new Command.RemoveServices([one.Name, two.Name])),
        Gen.Select(Gen.OneOf("ann", "bob", "_"), Gen.Int[0, 4], Gen.OneOf("shop", "*", "-"), Gen.Int[1, 3], Gen.Int[-1, 9], (name, role, stack, serial, days) => (Command)new Command.AdmitClient(
            name, (ClientRole)role, role == 2 ? [stack] : [], $"{serial}", Noon.AddDays(days))),
        Gen.OneOf("ann", "bob").Select(name => (Command)new Command.RemoveClient(name)),
        Gen.Select(Gen.Bool, Gen.OneOf("k1", "k2"), (isOn, key) => (Command)new Command.SetAutolock(isOn, key)),
        Gen.OneOf("k1", "k2").Select(key => (Command)new Command.RotateUnlockKey(key)),
        Gen.Int[1, 4].Select(number => (Command)ANode(number, number == 4 ? "host3" : null)),
        Gen.Select(Gen.Int[1, 4], Gen.Enum<NodeAvailability>(), Gen.OneOf("zone", "rack", ""), (number, availability, label) =>
            (Command)new Command.UpdateNode($"host{number}", availability, ValueMap.Of(label, "x"), [])));

    /// <summary>What deciders and agents do between commands: tasks made, placed, ended, forgotten, by a seed.</summary>
    public static ImmutableArray<Change> TaskChanges(ClusterState state, int seed)
    {
        var ids = IdSource.Seeded((seed * 1009) + (int)state.Index);
        var changes = ImmutableArray.CreateBuilder<Change>();
        foreach (var service in state.Services.Values.OrderBy(service => service.Id).Where((_, at) => (seed >> at) % 2 == 0))
            changes.Add(new Change.TaskCreated(new TaskId(ids.Next()), service.Id, 1 + (seed % 3), null, service.SpecVersion, TaskState.Ready, seed % 2, Noon));
        foreach (var (task, at) in state.Tasks.Values.OrderBy(task => task.Id).Select((task, at) => (task, at)))
        {
            Change? change = ((seed + at) % 7) switch
            {
                0 when task.NodeId is null => new Change.TaskAssigned(task.Id, new NodeId((UInt128)(1 + (at % 3)))),
                1 => new Change.TaskDesired(task.Id, TaskState.Running, "placed"),
                2 when !task.State.IsTerminal() => new Change.TaskEnded(task.Id, Status(TaskState.Failed) with { ExitCode = 3, Err = "exit 3" }),
                3 when task.State.IsTerminal() => new Change.TaskRemoved(task.Id),
                4 when state.Services.TryGetValue(task.ServiceId, out var service) => new Change.TaskRespecified(task.Id, service.SpecVersion),
                5 => new Change.TaskDesired(task.Id, at % 2 == 0 ? TaskState.Shutdown : TaskState.Remove, $"for reason {seed}"),
                _ => null,
            };
            if (change is not null)
                changes.Add(change);
        }
        return changes.ToImmutable();
    }
}
