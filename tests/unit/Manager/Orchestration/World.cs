using System.Collections.Immutable;
using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Tests.Manager.Orchestration;

/// <summary>A cluster without machines: a pure state, a clock that only moves when told, a scheduler that picks the emptiest
/// node and agents that take tasks one state further a step. Images say how their containers behave.</summary>
internal sealed class World
{
    public const string Unpullable = "unpullable";
    public const string CrashesAtStart = "crashes-at-start";
    public const string CrashesLater = "crashes-later";
    public const string Completes = "completes";
    public const string NeverHealthy = "never-healthy";

    private readonly IdSource _ids = IdSource.Seeded(7);
    private readonly Dictionary<TaskId, (TaskState State, TaskState Desired)> _seen = [];

    public ClusterState State { get; private set; } = ClusterState.Empty;
    public DateTimeOffset Now { get; private set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public List<NodeId> Nodes { get; } = [];

    /// <summary>Which tasks crash as they start, besides those whose image says so.</summary>
    public Predicate<ServiceTask> Breaks { get; set; } = _ => false;

    /// <summary>Checked after every change.</summary>
    public Action<World>? Invariant { get; set; }

    public static World Of(int nodes)
    {
        var world = new World();
        for (var at = 1; at <= nodes; at++)
            world.AddNode($"berth{at}");
        return world;
    }

    public NodeId AddNode(string name, ValueMap? labels = null)
    {
        var id = new NodeId(_ids.Next());
        Nodes.Add(id);
        Commit(new Change.NodePut(new Node
        {
            Id = id,
            CreatedAt = Now,
            UpdatedAt = Now,
            Spec = new NodeSpec { Labels = labels ?? ValueMap.Empty },
            Description = new NodeDescription { Hostname = name },
        }));
        SetNode(id, NodeState.Ready);
        return id;
    }

    public ServiceId Create(ServiceSpec spec)
    {
        var id = new ServiceId(_ids.Next());
        Commit(new Change.ServicePut(new Service { Id = id, CreatedAt = Now, UpdatedAt = Now, Spec = spec, SpecVersion = 1 }));
        return id;
    }

    public Service Service(ServiceId id) => State.Services[id];

    public void Revise(ServiceId id, Func<ServiceSpec, ServiceSpec> change)
    {
        var service = Service(id);
        var spec = change(service.Spec);
        if (spec != service.Spec)
            Commit(new Change.ServicePut(ServiceRevisions.Revise(State, service, spec, Now)));
    }

    public void SetImage(ServiceId id, string image) =>
        Revise(id, spec => spec with { Task = spec.Task with { Container = spec.Task.Container with { Image = image } } });

    public void Scale(ServiceId id, int replicas) => Revise(id, spec => spec with { Mode = new ServiceMode.Replicated(replicas) });

    public void RollBack(ServiceId id)
    {
        if (ServiceRevisions.RollBack(State, Service(id), Now, "asked for by a person") is { } returned)
            Commit(new Change.ServicePut(returned));
    }

    public void RemoveService(ServiceId id) => Commit(new Change.ServiceRemoved(id));

    public void SetNode(NodeId id, NodeState state) => Soft(new Change.NodeObserved(id, new NodeStatus(state, "", Now)));

    public void Edit(NodeId id, Func<NodeSpec, NodeSpec> change) =>
        Commit(new Change.NodePut(State.Nodes[id] with { Spec = change(State.Nodes[id].Spec) }));

    public void Availability(NodeId id, NodeAvailability availability) => Edit(id, spec => spec with { Availability = availability });

    public void RemoveNode(NodeId id) => Commit(new Change.NodeRemoved(id));

    public void Fail(ServiceTask task, int exitCode = 1) => End(task, TaskState.Failed, $"exit code {exitCode}", exitCode);

    public IEnumerable<ServiceTask> Tasks(ServiceId id) => State.TasksOf(id).OrderBy(task => task.Slot).ThenBy(task => task.CreatedAt).ThenBy(task => task.Id);

    public List<ServiceTask> Live(ServiceId id) => [.. Tasks(id).Where(task => task.IsLive)];

    public List<ServiceTask> Running(ServiceId id) => [.. Tasks(id).Where(task => State.CountsAsRunning(task))];

    public ServiceProgress Judge(ServiceId id) => ProgressJudge.Judge(State, id, Now);

    public OrchestrationDecision Decide(ServiceId id) => ServiceDecider.Decide(State, id, Now, _ids);

    /// <summary>How much of a decision takes effect before the next is made.</summary>
    public int ChangesPerRound { get; set; } = int.MaxValue;

    /// <summary>Decides for every service and applies it, once.</summary>
    public void Orchestrate()
    {
        foreach (var id in State.Services.Keys.Union(State.TasksByService.Keys).Order().ToList())
        {
            var changes = Decide(id).Changes;
            if (!changes.IsEmpty)
                Commit([.. changes.Take(ChangesPerRound)]);
        }
    }

    /// <summary>One step of everyone: decide, place, decide, work, decide; then the clock moves.</summary>
    public void Step(double seconds = 0.5)
    {
        Orchestrate();
        Schedule();
        Orchestrate();
        WorkOnce();
        Orchestrate();
        Now += TimeSpan.FromSeconds(seconds);
    }

    public void Steps(int count, double seconds = 0.5)
    {
        for (var at = 0; at < count; at++)
            Step(seconds);
    }

    /// <summary>Steps until <paramref name="condition"/> holds; fails with what was seen when it does not.</summary>
    public void Until(Func<World, bool> condition, int steps = 400, double seconds = 0.5)
    {
        for (var at = 0; at < steps; at++)
        {
            if (condition(this))
                return;
            Step(seconds);
        }
        Assert.Fail($"not reached in {steps} steps; at {Now:T}:\n{this}");
    }

    public void UntilConverged(ServiceId id, int steps = 400, double seconds = 0.5) =>
        Until(world => world.Judge(id).Verdict == ProgressVerdict.Converged, steps, seconds);

    public void Pass(TimeSpan time) => Now += time;

    public void PassTo(DateTimeOffset now) => Now = now;

    public void Commit(params ImmutableArray<Change> changes)
    {
        State = State.Apply(new Commit(State.Index + 1, Now, changes));
        Check();
    }

    /// <summary>Fails with a picture of the world unless <paramref name="holds"/>.</summary>
    public void Demand(bool holds, string what = "")
    {
        if (!holds)
            Assert.Fail($"{what} at {Now:T}:\n{this}");
    }

    public override string ToString()
    {
        var lines = State.Services.Values.SelectMany(service => Tasks(service.Id).Select(Line)
            .Prepend($"{service.Spec.Name} v{service.SpecVersion} {service.Rollout?.State} {service.Rollout?.Message} | {Judge(service.Id)}"));
        return string.Join('\n', lines);
    }

    private string Line(ServiceTask task)
    {
        var node = task.NodeId is { } id && State.Nodes.TryGetValue(id, out var found)
            ? $"{found.Description.Hostname}({found.Status.State},{found.Spec.Availability})" : "-";
        return $"  {task.Slot} v{task.SpecVersion} {task.DesiredState}/{task.State} on {node} attempt {task.Attempt} after {task.NotBefore:T}: {task.Status.Message} [{task.CreatedAt:T}]";
    }

    private void Schedule()
    {
        foreach (var id in State.Unassigned.Order().ToList())
        {
            var task = State.Tasks[id];
            var node = State.Nodes.Values
                .Where(node => node.Status.State == NodeState.Ready && (task.NodeId is null || task.NodeId == node.Id))
                .Where(node => node.Spec.Availability == NodeAvailability.Active && node.Satisfies(task.Spec.Placement.Constraints))
                .OrderBy(node => State.TasksOn(node.Id).Count(on => on.IsLive)).ThenBy(node => node.Id)
                .FirstOrDefault();
            if (node is not null)
                Commit(new Change.TaskAssigned(id, node.Id));
            else
                Soft(new Change.TaskObserved(id, task.Status with { Message = "no suitable node" }));
        }
    }

    private void WorkOnce()
    {
        foreach (var task in State.Tasks.Values.OrderBy(task => task.Id).ToList())
        {
            if (task.State is >= TaskState.Assigned && !task.State.IsTerminal()
                && task.NodeId is { } node && State.Nodes.TryGetValue(node, out var on) && on.Status.State == NodeState.Ready)
            {
                Work(task);
            }
        }
    }

    private void Work(ServiceTask task)
    {
        var image = task.Spec.Container.Image;
        if (task.DesiredState >= TaskState.Shutdown)
        {
            End(task, TaskState.Shutdown, "stopped");
            return;
        }
        switch (task.State)
        {
            case TaskState.Assigned:
                Observe(task, TaskState.Preparing, "pulling");
                break;
            case TaskState.Preparing when image.StartsWith(Unpullable, StringComparison.Ordinal):
                End(task, TaskState.Rejected, "no such image");
                break;
            case TaskState.Preparing:
                Observe(task, TaskState.Ready, "created");
                break;
            case TaskState.Ready when task.DesiredState == TaskState.Running:
                Observe(task, TaskState.Starting, "started");
                break;
            case TaskState.Starting when Breaks(task) || image.StartsWith(CrashesAtStart, StringComparison.Ordinal):
                End(task, TaskState.Failed, "exit code 1", 1);
                break;
            case TaskState.Starting when !image.StartsWith(NeverHealthy, StringComparison.Ordinal):
                Observe(task, TaskState.Running, "running");
                break;
            case TaskState.Running when image.StartsWith(CrashesLater, StringComparison.Ordinal) && Now - task.RanFrom() > TimeSpan.FromSeconds(2):
                End(task, TaskState.Failed, "exit code 2", 2);
                break;
            case TaskState.Running when image.StartsWith(Completes, StringComparison.Ordinal):
                End(task, TaskState.Complete, "finished", 0);
                break;
        }
    }

    private void Observe(ServiceTask task, TaskState state, string message) =>
        Soft(new Change.TaskObserved(task.Id, task.Status with { State = state, Timestamp = Now, Message = message }));

    private void End(ServiceTask task, TaskState state, string message, int? exitCode = null) =>
        Commit(new Change.TaskEnded(task.Id, task.Status with { State = state, Timestamp = Now, Message = message, ExitCode = exitCode }));

    private void Soft(params ImmutableArray<Change> changes)
    {
        State = State.Observe(changes);
        Check();
    }

    // What holds in every world, whatever happens.
    private void Check()
    {
        foreach (var task in State.Tasks.Values)
        {
            if (_seen.TryGetValue(task.Id, out var before))
                Demand(task.State >= before.State && task.DesiredState >= before.Desired, $"{task.Id} went back");
            _seen[task.Id] = (task.State, task.DesiredState);
        }
        Invariant?.Invoke(this);
    }
}

/// <summary>Short ways to write specs.</summary>
internal static class Specs
{
    public static ServiceSpec Web(int replicas = 3, string image = "web:1", UpdateConfig? update = null, RestartPolicy? restart = null) => new()
    {
        Name = "web",
        Task = new TaskSpec { Container = new ContainerSpec { Image = image }, Restart = restart ?? new RestartPolicy() },
        Mode = new ServiceMode.Replicated(replicas),
        Update = update ?? new UpdateConfig(),
    };

    public static ServiceSpec Global(string image = "web:1", UpdateConfig? update = null) =>
        Web(0, image, update) with { Mode = new ServiceMode.Global() };

    public static ServiceSpec Constrained(this ServiceSpec spec, string constraint)
    {
        Assert.True(Constraint.TryParse(constraint, out var parsed, out var error), error);
        return spec with { Task = spec.Task with { Placement = spec.Task.Placement with { Constraints = [parsed] } } };
    }

    public static ServiceSpec WithFixedPort(this ServiceSpec spec) =>
        spec with { Task = spec.Task with { Ports = [new PortConfig(80, 8080)] } };
}
