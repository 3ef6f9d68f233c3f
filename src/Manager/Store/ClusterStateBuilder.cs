using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Applies changes to a state and keeps its indexes true. Lives for one commit.</summary>
internal sealed class ClusterStateBuilder(ClusterState state)
{
    public ClusterId? ClusterId { get; set; } = state.ClusterId;
    public long Epoch { get; set; } = state.Epoch;
    public int Level { get; set; } = state.Level;
    public DateTimeOffset LedSince { get; private set; } = state.LedSince;
    public ImmutableDictionary<ServiceId, Service>.Builder Services { get; } = state.Services.ToBuilder();
    public ImmutableDictionary<string, ServiceId>.Builder ServiceNames { get; } = state.ServiceNames.ToBuilder();
    public ImmutableDictionary<string, Stack>.Builder Stacks { get; } = state.Stacks.ToBuilder();
    public ImmutableDictionary<NodeId, Node>.Builder Nodes { get; } = state.Nodes.ToBuilder();
    public NetworksBuilder Networks { get; } = new(state);
    public DateTimeOffset FormedAt { get; set; } = state.FormedAt;
    public ClusterTrust? Trust { get; set; } = state.Trust;
    public ClusterSettings Settings { get; set; } = state.Settings;
    public ImmutableDictionary<NodeId, NodeIdentity>.Builder Identities { get; } = state.Identities.ToBuilder();
    public ImmutableDictionary<string, DateTimeOffset>.Builder RemovedKeys { get; } = state.RemovedKeys.ToBuilder();
    public ImmutableDictionary<string, Client>.Builder Clients { get; } = state.Clients.ToBuilder();
    public string? UnlockKey { get; set; } = state.UnlockKey;
    public StoreAuthority? StoreAuthority { get; set; } = state.StoreAuthority;
    public TaskMap.Builder Tasks { get; } = state.Tasks.ToBuilder();
    public ImmutableDictionary<ServiceId, TaskSet>.Builder TasksByService { get; } = state.TasksByService.ToBuilder();
    public ImmutableDictionary<NodeId, TaskSet>.Builder TasksByNode { get; } = state.TasksByNode.ToBuilder();
    public TaskSet.Builder Unassigned { get; } = state.Unassigned.ToBuilder();
    public int LiveTasks { get; private set; } = state.LiveTasks;
    public int RunningTasks { get; private set; } = state.RunningTasks;
    public ImmutableDictionary<ServiceId, ImmutableDictionary<long, TaskSpec>>.Builder TaskSpecs { get; } = state.TaskSpecs.ToBuilder();

    // Index sets are immutable in the state; while a commit touches many tasks of one service or node they are built once.
    private readonly Dictionary<ServiceId, TaskSet.Builder> _serviceSets = [];
    private readonly Dictionary<NodeId, TaskSet.Builder> _nodeSets = [];

    // Tasks that one commit makes or places have the same status: they share it.
    private ServiceTaskStatus? _pending;
    private ServiceTaskStatus? _assigned;

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
                (ClusterId, FormedAt) = (formed.Id, at);
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
                var known = Nodes.GetValueOrDefault(put.Node.Id);
                Put(put.Node with { Version = index, Status = known?.Status ?? NodeStatus.Unknown, Number = known?.Number ?? 0, Slices = known?.Slices ?? [] });
                break;
            case Change.NodeRemoved removed:
                Remove(removed.Id);
                ForgetIdentity(removed.Id, at);
                break;
            case Change.TaskCreated created:
                Create(created, index, at);
                break;
            case Change.TaskAssigned assigned:
                Assign(assigned, index, at);
                break;
            case Change.TaskDesired desired:
                if (Tasks.TryGetValue(desired.Id, out var wanted))
                    Become(wanted, Desire(wanted, desired) with { Version = index });
                break;
            case Change.TaskRespecified respecified:
                if (Tasks.TryGetValue(respecified.Id, out var other))
                    Become(other, other with { Version = index, SpecVersion = respecified.SpecVersion, Spec = TaskSpecs[other.ServiceId][respecified.SpecVersion] });
                break;
            case Change.TaskEnded ended:
                if (Tasks.TryGetValue(ended.Id, out var over))
                    Become(over, over with { Version = index, Status = ended.Status.After(over.Status) });
                break;
            case Change.TaskRemoved removed:
                Remove(removed.Id);
                break;
            case Change.TaskObserved observed:
                if (Tasks.TryGetValue(observed.Id, out var seen) && !seen.State.IsTerminal())
                    Become(seen, seen with { Status = observed.Status.After(seen.Status) });
                break;
            case Change.NodeObserved observed:
                if (Nodes.TryGetValue(observed.Id, out var node))
                    Put(node with { Status = observed.Status });
                break;
            default:
                if (!ApplyNetworks(change, index))
                    ApplyAccess(change);
                break;
        }
    }

    private bool ApplyNetworks(Change change, long index)
    {
        switch (change)
        {
            case Change.NetworkPut put:
                Networks.Put(put.Network with { Version = index });
                return true;
            case Change.NetworkRemoved removed:
                Networks.Remove(removed.Id);
                return true;
            case Change.NodeNetworksPut put:
                if (Nodes.TryGetValue(put.Id, out var node))
                    Put(node with { Number = put.Number, Slices = put.Slices });
                return true;
            default:
                return false;
        }
    }

    // Who may join, call and sign.
    private void ApplyAccess(Change change)
    {
        switch (change)
        {
            case Change.TrustPut put:
                Trust = put.Trust;
                break;
            case Change.SettingsPut put:
                Settings = put.Settings;
                break;
            case Change.IdentityPut put:
                Identities[put.Identity.Id] = put.Identity;
                break;
            case Change.ClientPut put:
                Clients[put.Client.Name] = put.Client;
                break;
            case Change.ClientRemoved removed:
                Clients.Remove(removed.Name);
                break;
            case Change.StoreAuthorityPut put:
                StoreAuthority = put.Authority;
                break;
            case Change.LevelRaised raised:
                Level = raised.Level;
                break;
            case Change.UnlockKeySet set:
                UnlockKey = set.Key;
                break;
        }
    }

    // Keys are remembered for as long as a certificate of them could still be valid.
    private void ForgetIdentity(NodeId id, DateTimeOffset at)
    {
        if (!Identities.Remove(id, out var identity))
            return;
        RemovedKeys.RemoveRange(RemovedKeys.Where(key => key.Value + ClusterSettings.LongestValidity < at).Select(key => key.Key).ToList());
        foreach (var held in identity.Certificates)
            RemovedKeys[held.KeyHash] = at;
    }

    public void Put(Service service)
    {
        Networks.Index(Services.GetValueOrDefault(service.Id), service);
        Services[service.Id] = service;
        ServiceNames[service.Spec.Name] = service.Id;
        KeepSpec(service.Id, service.SpecVersion, service.Spec.Task);
        if (service.PreviousSpec is { } previous)
            KeepSpec(service.Id, service.PreviousSpecVersion, previous.Task);
        SetOf(service.Id);
    }

    public void Put(Stack stack) => Stacks[stack.Name] = stack;

    public void Put(Node node)
    {
        var wasUp = IsUp(node.Id);
        Nodes[node.Id] = node;
        Recount(node.Id, wasUp);
    }

    public void Put(ServiceTask task)
    {
        if (Tasks.TryGetValue(task.Id, out var present))
            Count(present, -1);
        Tasks.Put(task);
        Count(task, 1);
        SetOf(task.ServiceId).Add(task.Id);
        if (task.NodeId is { } node)
            SetOf(node).Add(task.Id);
        if (IsUnassigned(task))
            Unassigned.Add(task.Id);
        else if (present is not null)
            Unassigned.Remove(task.Id);
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
        CreatedAt = created.Made ?? at,
        ServiceId = created.ServiceId,
        Slot = created.Slot,
        NodeId = created.NodeId,
        SpecVersion = created.SpecVersion,
        Spec = TaskSpecs[created.ServiceId][created.SpecVersion],
        DesiredState = created.DesiredState,
        Attempt = created.Attempt,
        NotBefore = created.NotBefore,
        Status = created.NodeId is null ? _pending ??= TaskStatuses.Pending(null, at) : TaskStatuses.Pending(created.NodeId, at),
    });

    private void Assign(Change.TaskAssigned assigned, long index, DateTimeOffset at)
    {
        if (!Tasks.TryGetValue(assigned.Id, out var task))
            return;
        Become(task, task with { Version = index, NodeId = assigned.NodeId, Status = _assigned ??= TaskStatuses.Assigned(at) });
        SetOf(assigned.NodeId).Add(assigned.Id);
    }

    // The first reason to stop is why it stops; what is wanted of it afterwards is housekeeping.
    private static ServiceTask Desire(ServiceTask task, Change.TaskDesired desired) => task with
    {
        DesiredState = Max(task.DesiredState, desired.DesiredState),
        StopReason = task.IsLive && desired.DesiredState > TaskState.Running ? desired.Reason : task.StopReason,
    };

    private void Become(ServiceTask task, ServiceTask changed)
    {
        Tasks.Put(changed);
        Count(task, -1);
        Count(changed, 1);
        var isUnassigned = IsUnassigned(changed);
        if (isUnassigned == IsUnassigned(task))
            return;
        if (isUnassigned)
            Unassigned.Add(task.Id);
        else
            Unassigned.Remove(task.Id);
    }

    private static bool IsUnassigned(ServiceTask task) => task is { IsLive: true, State: < TaskState.Assigned };

    private void Count(ServiceTask task, int by)
    {
        LiveTasks += task.IsLive ? by : 0;
        RunningTasks += ClusterState.IsRunning(task) && IsUp(task.NodeId!.Value) ? by : 0;
    }

    private bool IsUp(NodeId id) => Nodes.TryGetValue(id, out var node) && node.Status.State != NodeState.Down;

    // What runs on a node that is down does not count, until the node is back.
    private void Recount(NodeId id, bool wasUp)
    {
        var isUp = IsUp(id);
        if (isUp == wasUp)
            return;
        var tasks = _nodeSets.TryGetValue(id, out var set) ? set.ToImmutable() : TasksByNode.GetValueOrDefault(id, TaskSet.Empty);
        RunningTasks += tasks.Count(task => ClusterState.IsRunning(Tasks[task])) * (isUp ? 1 : -1);
    }

    private void Remove(NodeId id)
    {
        var wasUp = IsUp(id);
        Nodes.Remove(id);
        Recount(id, wasUp);
    }

    private void Remove(ServiceId id)
    {
        if (Services.TryGetValue(id, out var service))
        {
            Networks.Index(service, null);
            Services.Remove(id);
            ServiceNames.Remove(service.Spec.Name);
            SetOf(id);
        }
    }

    private void Remove(TaskId id)
    {
        if (!Tasks.TryGetValue(id, out var task))
            return;
        Count(task, -1);
        Tasks.Remove(id);
        Unassigned.Remove(id);
        SetOf(task.ServiceId).Remove(id);
        if (task.NodeId is { } node)
            SetOf(node).Remove(id);
    }

    private TaskSet.Builder SetOf(ServiceId service)
    {
        if (!_serviceSets.TryGetValue(service, out var set))
            _serviceSets[service] = set = TasksByService.GetValueOrDefault(service, TaskSet.Empty).ToBuilder();
        return set;
    }

    private TaskSet.Builder SetOf(NodeId node)
    {
        if (!_nodeSets.TryGetValue(node, out var set))
            _nodeSets[node] = set = TasksByNode.GetValueOrDefault(node, TaskSet.Empty).ToBuilder();
        return set;
    }

    private static void Store<TKey>(ImmutableDictionary<TKey, TaskSet>.Builder index, TKey key, TaskSet.Builder set)
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
