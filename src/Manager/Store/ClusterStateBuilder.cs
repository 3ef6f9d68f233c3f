using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Applies changes to a state and keeps its indexes true. Lives for one commit.</summary>
internal sealed class ClusterStateBuilder(ClusterState state)
{
    public ClusterId? ClusterId { get; set; } = state.ClusterId;
    public long Epoch { get; set; } = state.Epoch;
    public DateTimeOffset LedSince { get; private set; } = state.LedSince;
    public ImmutableDictionary<ServiceId, Service>.Builder Services { get; } = state.Services.ToBuilder();
    public ImmutableDictionary<string, ServiceId>.Builder ServiceNames { get; } = state.ServiceNames.ToBuilder();
    public ImmutableDictionary<string, Stack>.Builder Stacks { get; } = state.Stacks.ToBuilder();
    public ImmutableDictionary<NodeId, Node>.Builder Nodes { get; } = state.Nodes.ToBuilder();
    public ImmutableDictionary<TaskId, ServiceTask>.Builder Tasks { get; } = state.Tasks.ToBuilder();
    public ImmutableDictionary<ServiceId, ImmutableHashSet<TaskId>>.Builder TasksByService { get; } = state.TasksByService.ToBuilder();
    public ImmutableDictionary<NodeId, ImmutableHashSet<TaskId>>.Builder TasksByNode { get; } = state.TasksByNode.ToBuilder();
    public ImmutableHashSet<TaskId>.Builder Unassigned { get; } = state.Unassigned.ToBuilder();
    public ImmutableDictionary<ServiceId, ImmutableDictionary<long, TaskSpec>>.Builder TaskSpecs { get; } = state.TaskSpecs.ToBuilder();

    // Index sets are immutable in the state; while a commit touches many tasks of one service or node they are built once.
    private readonly Dictionary<ServiceId, ImmutableHashSet<TaskId>.Builder> _serviceSets = [];
    private readonly Dictionary<NodeId, ImmutableHashSet<TaskId>.Builder> _nodeSets = [];

    public ClusterState Build(long index)
    {
        foreach (var (service, set) in _serviceSets)
            Store(TasksByService, service, set);
        foreach (var (node, set) in _nodeSets)
            Store(TasksByNode, node, set);
        foreach (var service in _serviceSets.Keys)
            DropUnusedSpecs(service);
        return ClusterState.From(this, index);
    }

    public void Apply(Change change, long index, DateTimeOffset at)
    {
        switch (change)
        {
            case Change.ClusterFormed formed:
                ClusterId = formed.Id;
                break;
            case Change.LeaderElected elected:
                (Epoch, LedSince) = (elected.Epoch, at);
                break;
            case Change.ServicePut put:
                Put(put.Service with { Version = index });
                break;
            case Change.ServiceRemoved removed:
                Remove(removed.Id);
                break;
            case Change.StackPut put:
                Put(put.Stack with { Version = index });
                break;
            case Change.StackRemoved removed:
                Stacks.Remove(removed.Name);
                break;
            case Change.NodePut put:
                var status = Nodes.TryGetValue(put.Node.Id, out var known) ? known.Status : NodeStatus.Unknown;
                Put(put.Node with { Version = index, Status = status });
                break;
            case Change.NodeRemoved removed:
                Nodes.Remove(removed.Id);
                break;
            case Change.TaskCreated created:
                Create(created, index, at);
                break;
            case Change.TaskAssigned assigned:
                Assign(assigned, index, at);
                break;
            case Change.TaskDesired desired:
                Edit(desired.Id, task => task with { Version = index, DesiredState = Max(task.DesiredState, desired.DesiredState) });
                break;
            case Change.TaskRespecified respecified:
                Edit(respecified.Id, task => task with
                {
                    Version = index,
                    SpecVersion = respecified.SpecVersion,
                    Spec = TaskSpecs[task.ServiceId][respecified.SpecVersion],
                });
                break;
            case Change.TaskEnded ended:
                Edit(ended.Id, task => task with { Version = index, Status = ended.Status.After(task.Status) });
                break;
            case Change.TaskRemoved removed:
                Remove(removed.Id);
                break;
            case Change.TaskObserved observed:
                Edit(observed.Id, task => task.State.IsTerminal() ? task : task with { Status = observed.Status.After(task.Status) });
                break;
            case Change.NodeObserved observed:
                if (Nodes.TryGetValue(observed.Id, out var node))
                    Nodes[observed.Id] = node with { Status = observed.Status };
                break;
        }
    }

    public void Put(Service service)
    {
        Services[service.Id] = service;
        ServiceNames[service.Spec.Name] = service.Id;
        KeepSpec(service.Id, service.SpecVersion, service.Spec.Task);
        if (service.PreviousSpec is { } previous)
            KeepSpec(service.Id, service.PreviousSpecVersion, previous.Task);
        SetOf(service.Id);
    }

    public void Put(Stack stack) => Stacks[stack.Name] = stack;

    public void Put(Node node) => Nodes[node.Id] = node;

    public void Put(ServiceTask task)
    {
        Tasks[task.Id] = task;
        SetOf(task.ServiceId).Add(task.Id);
        if (task.NodeId is { } node)
            SetOf(node).Add(task.Id);
        UpdateUnassigned(task);
    }

    public void KeepSpec(ServiceId service, long version, TaskSpec spec)
    {
        var specs = TaskSpecs.TryGetValue(service, out var kept) ? kept : ImmutableDictionary<long, TaskSpec>.Empty;
        if (!specs.ContainsKey(version))
            TaskSpecs[service] = specs.Add(version, spec);
    }

    private void Create(Change.TaskCreated created, long index, DateTimeOffset at) => Put(new ServiceTask
    {
        Id = created.Id,
        Version = index,
        CreatedAt = at,
        ServiceId = created.ServiceId,
        Slot = created.Slot,
        NodeId = created.NodeId,
        SpecVersion = created.SpecVersion,
        Spec = TaskSpecs[created.ServiceId][created.SpecVersion],
        DesiredState = created.DesiredState,
        Attempt = created.Attempt,
        NotBefore = created.NotBefore,
        Status = TaskStatuses.Pending(created.NodeId, at),
    });

    private void Assign(Change.TaskAssigned assigned, long index, DateTimeOffset at)
    {
        Edit(assigned.Id, task => task with
        {
            Version = index,
            NodeId = assigned.NodeId,
            Status = TaskStatuses.Assigned(at),
        });
        SetOf(assigned.NodeId).Add(assigned.Id);
    }

    private void Edit(TaskId id, Func<ServiceTask, ServiceTask> edit)
    {
        if (!Tasks.TryGetValue(id, out var task))
            return;
        var edited = edit(task);
        Tasks[id] = edited;
        UpdateUnassigned(edited);
    }

    private void UpdateUnassigned(ServiceTask task)
    {
        if (task is { IsLive: true, State: < TaskState.Assigned })
            Unassigned.Add(task.Id);
        else
            Unassigned.Remove(task.Id);
    }

    private void Remove(ServiceId id)
    {
        if (Services.TryGetValue(id, out var service))
        {
            Services.Remove(id);
            ServiceNames.Remove(service.Spec.Name);
            SetOf(id);
        }
    }

    private void Remove(TaskId id)
    {
        if (!Tasks.TryGetValue(id, out var task))
            return;
        Tasks.Remove(id);
        Unassigned.Remove(id);
        SetOf(task.ServiceId).Remove(id);
        if (task.NodeId is { } node)
            SetOf(node).Remove(id);
    }

    private ImmutableHashSet<TaskId>.Builder SetOf(ServiceId service)
    {
        if (!_serviceSets.TryGetValue(service, out var set))
            _serviceSets[service] = set = TasksByService.TryGetValue(service, out var kept) ? kept.ToBuilder() : ImmutableHashSet.CreateBuilder<TaskId>();
        return set;
    }

    private ImmutableHashSet<TaskId>.Builder SetOf(NodeId node)
    {
        if (!_nodeSets.TryGetValue(node, out var set))
            _nodeSets[node] = set = TasksByNode.TryGetValue(node, out var kept) ? kept.ToBuilder() : ImmutableHashSet.CreateBuilder<TaskId>();
        return set;
    }

    private static void Store<TKey>(
        ImmutableDictionary<TKey, ImmutableHashSet<TaskId>>.Builder index, TKey key, ImmutableHashSet<TaskId>.Builder set)
        where TKey : notnull
    {
        if (set.Count == 0)
            index.Remove(key);
        else
            index[key] = set.ToImmutable();
    }

    // A service keeps few versions: this runs over its tasks only when there is one to drop.
    private void DropUnusedSpecs(ServiceId id)
    {
        if (!TaskSpecs.TryGetValue(id, out var specs))
            return;
        var needed = new HashSet<long>();
        if (Services.TryGetValue(id, out var service))
        {
            needed.Add(service.SpecVersion);
            if (service.PreviousSpec is not null)
                needed.Add(service.PreviousSpecVersion);
        }
        if (specs.Keys.All(needed.Contains))
            return;
        if (TasksByService.TryGetValue(id, out var tasks))
            needed.UnionWith(tasks.Select(task => Tasks[task].SpecVersion));

        var kept = specs.RemoveRange(specs.Keys.Where(version => !needed.Contains(version)));
        if (kept.IsEmpty)
            TaskSpecs.Remove(id);
        else
            TaskSpecs[id] = kept;
    }

    private static TaskState Max(TaskState left, TaskState right) => left > right ? left : right;
}
