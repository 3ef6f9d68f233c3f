using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Api;

/// <summary>Builds states that show only what a test is about. Ids count up, so an id's text ends in its number.</summary>
internal sealed class Cluster
{
    public static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly List<Service> _services = [];
    private readonly List<Node> _nodes = [];
    private readonly List<ServiceTask> _tasks = [];
    private readonly List<Stack> _stacks = [];

    public ClusterState State => ClusterState.Restore(
        7, new ClusterId(1), 3, _services, _stacks, _nodes,
        _services.Select(service => (service.Id, service.SpecVersion, service.Spec.Task)), _tasks);

    public static ServiceId ServiceId(int number) => new((UInt128)number);

    public static NodeId NodeId(int number) => new((UInt128)number);

    public static TaskId TaskId(int number) => new((UInt128)number);

    public Cluster Stack(int id, string name)
    {
        _stacks.Add(new Stack { Id = new StackId((UInt128)id), Name = name, CreatedAt = Start, UpdatedAt = Start });
        return this;
    }

    public Cluster Service(int id, string name, int? replicas = 1, Func<Service, Service>? edit = null)
    {
        var service = new Service
        {
            Id = ServiceId(id),
            CreatedAt = Start,
            UpdatedAt = Start,
            SpecVersion = 1,
            Spec = new ServiceSpec
            {
                Name = name,
                Task = new TaskSpec { Container = new ContainerSpec { Image = "web:1" } },
                Mode = replicas is { } count ? new ServiceMode.Replicated(count) : new ServiceMode.Global(),
            },
        };
        _services.Add(edit is null ? service : edit(service));
        return this;
    }

    public Cluster Node(int id, string hostname, NodeState status = NodeState.Ready, NodeAvailability availability = NodeAvailability.Active)
    {
        _nodes.Add(new Node
        {
            Id = NodeId(id),
            CreatedAt = Start,
            UpdatedAt = Start,
            Spec = new NodeSpec { Availability = availability },
            Description = new NodeDescription { Hostname = hostname },
            Status = new NodeStatus(status, "", Start),
        });
        return this;
    }

    public Cluster Task(
        int id, int service, int slot, int? node, TaskState state = TaskState.Running, TaskState desired = TaskState.Running,
        Func<ServiceTask, ServiceTask>? edit = null)
    {
        var task = new ServiceTask
        {
            Id = TaskId(id),
            CreatedAt = Start.AddSeconds(id),
            ServiceId = ServiceId(service),
            Slot = slot,
            NodeId = node is { } on ? NodeId(on) : null,
            SpecVersion = 1,
            Spec = _services.FirstOrDefault(known => known.Id == ServiceId(service))?.Spec.Task
                ?? new TaskSpec { Container = new ContainerSpec { Image = "gone:1" } },
            DesiredState = desired,
            Status = new ServiceTaskStatus
            {
                State = state,
                Timestamp = Start,
                ContainerId = state >= TaskState.Starting ? "c" : "",
            },
        };
        _tasks.Add(edit is null ? task : edit(task));
        return this;
    }
}
