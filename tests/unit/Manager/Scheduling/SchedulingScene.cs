using System.Collections.Immutable;
using Berth.Manager.Scheduling;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Scheduling;

/// <summary>A cluster put together step by step; every step is a commit or an observation, as in the store.</summary>
internal sealed class SchedulingScene
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly IdSource _ids = IdSource.Seeded(1);

    public ClusterState State { get; private set; } = ClusterState.Empty;

    public DateTimeOffset Now { get; set; } = Start;

    public NodeId Node(
        string hostname, double cpus = 4, long memoryBytes = 4L << 30, NodeAvailability availability = NodeAvailability.Active,
        NodeState state = NodeState.Ready, ValueMap? labels = null, string os = "linux")
    {
        var id = new NodeId(_ids.Next());
        Commit(new Change.NodePut(new Node
        {
            Id = id,
            CreatedAt = Now,
            UpdatedAt = Now,
            Spec = new NodeSpec { Availability = availability, Labels = labels ?? ValueMap.Empty },
            Description = new NodeDescription { Hostname = hostname, Os = os, Capacity = new((long)(cpus * 1e9), memoryBytes) },
        }));
        Observe(new Change.NodeObserved(id, new NodeStatus(state, "as the test says", Now)));
        return id;
    }

    public static TaskSpec Spec(
        Resources reservations = default, int maxReplicasPerNode = 0, ValueList<PortConfig> ports = default,
        ValueList<string> spread = default, params string[] constraints) => new()
        {
            Container = new ContainerSpec { Image = "web:1" },
            Resources = new ResourceRequirements { Reservations = reservations },
            Ports = ports,
            Placement = new Placement
            {
                MaxReplicasPerNode = maxReplicasPerNode,
                Spread = spread,
                Constraints = constraints.Select(Parse).ToValueList(),
            },
        };

    public ServiceId Service(string name, TaskSpec? spec = null, int replicas = 0)
    {
        var id = new ServiceId(_ids.Next());
        Commit(new Change.ServicePut(new Service
        {
            Id = id,
            CreatedAt = Now,
            UpdatedAt = Now,
            SpecVersion = 1,
            Spec = new ServiceSpec { Name = name, Task = spec ?? Spec(), Mode = new ServiceMode.Replicated(replicas) },
        }));
        Commit([.. Enumerable.Range(1, replicas).Select(slot => Created(id, slot))]);
        return id;
    }

    public TaskId Task(ServiceId service, int slot, TaskState desired = TaskState.Running, NodeId? node = null)
    {
        Now += TimeSpan.FromMilliseconds(1);
        var created = Created(service, slot, desired, node);
        Commit(created);
        return created.Id;
    }

    /// <summary>The service's spec changes; its tasks stay what they were.</summary>
    public void Update(ServiceId service)
    {
        var before = State.Services[service];
        Commit(new Change.ServicePut(before with { SpecVersion = before.SpecVersion + 1 }));
    }

    public TaskId TaskOn(ServiceId service, int slot, NodeId node, TaskState state = TaskState.Running)
    {
        var id = Task(service, slot);
        Commit(new Change.TaskAssigned(id, node));
        Observe(new Change.TaskObserved(id, new ServiceTaskStatus { State = state, Timestamp = Now }));
        return id;
    }

    public void Ended(TaskId task, TaskState state) =>
        Commit(new Change.TaskEnded(task, new ServiceTaskStatus { State = state, Timestamp = Now }));

    public void Desire(TaskId task, TaskState desired) => Commit(new Change.TaskDesired(task, desired, "as the test says"));

    public void Commit(params Change[] changes) => State = State.Apply(new Commit(State.Index + 1, Now, [.. changes]));

    public void Observe(params Change[] changes) => State = State.Observe(changes);

    /// <summary>Runs passes until there is nothing left to do, and lets them take effect.</summary>
    public ImmutableArray<Change> Schedule()
    {
        var all = ImmutableArray.CreateBuilder<Change>();
        while (true)
        {
            var placements = Scheduler.Decide(State, Now);
            all.AddRange(placements.Changes);
            Commit([.. placements.Changes.Where(change => change.IsDurable)]);
            Observe([.. placements.Changes.Where(change => !change.IsDurable)]);
            if (placements.IsComplete)
                return all.ToImmutable();
        }
    }

    public NodeId? NodeOf(TaskId task) => State.Tasks[task].NodeId;

    public int[] TasksPerNode(ServiceId service, params NodeId[] nodes) =>
        [.. nodes.Select(node => State.TasksOf(service).Count(task => task.NodeId == node && task.IsLive))];

    private Change.TaskCreated Created(ServiceId service, int slot, TaskState desired = TaskState.Running, NodeId? node = null) =>
        new(new TaskId(_ids.Next()), service, slot, node, State.Services[service].SpecVersion, desired, 0, null);

    private static Constraint Parse(string text) =>
        Constraint.TryParse(text, out var constraint, out var error) ? constraint : throw new FormatException(error);
}
