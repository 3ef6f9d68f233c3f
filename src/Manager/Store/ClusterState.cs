using System.Collections.Immutable;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Everything a manager knows, as one immutable value; any thread may read it.</summary>
/// <remarks>Durable objects come from commits. Task statuses below terminal and node statuses are soft: they are
/// applied without a commit and are unknown again after a restart, until agents report them.</remarks>
public sealed class ClusterState
{
    /// <summary>No objects, index 0.</summary>
    public static ClusterState Empty { get; } = new();

    /// <summary>Index of the newest commit it holds.</summary>
    public long Index { get; private init; }

    /// <summary>The cluster's id; unknown before the first leader wrote it.</summary>
    public ClusterId? ClusterId { get; private init; }

    /// <summary>The leadership term it belongs to; grows by one each time a manager comes to lead.</summary>
    public long Epoch { get; private init; }

    /// <summary>The release level of the state: managers of lower ones cannot read it.</summary>
    public int Level { get; private init; } = ReleaseLevel.First;

    /// <summary>When that term began: nobody decided anything for a while before it.</summary>
    public DateTimeOffset LedSince { get; private init; }

    /// <summary>Services by id.</summary>
    public ImmutableDictionary<ServiceId, Service> Services { get; private init; } = ImmutableDictionary<ServiceId, Service>.Empty;

    /// <summary>Ids of services by name.</summary>
    public ImmutableDictionary<string, ServiceId> ServiceNames { get; private init; } = ImmutableDictionary<string, ServiceId>.Empty;

    /// <summary>Stacks by name.</summary>
    public ImmutableDictionary<string, Stack> Stacks { get; private init; } = ImmutableDictionary<string, Stack>.Empty;

    /// <summary>Nodes by id.</summary>
    public ImmutableDictionary<NodeId, Node> Nodes { get; private init; } = ImmutableDictionary<NodeId, Node>.Empty;

    /// <summary>Networks by id.</summary>
    public ImmutableDictionary<NetworkId, Network> Networks { get; private init; } = ImmutableDictionary<NetworkId, Network>.Empty;

    /// <summary>Ids of networks by name.</summary>
    public ImmutableDictionary<string, NetworkId> NetworkNames { get; private init; } = ImmutableDictionary<string, NetworkId>.Empty;

    /// <summary>Services that are in each network, or have a virtual address of it.</summary>
    public ImmutableDictionary<NetworkId, ImmutableHashSet<ServiceId>> ServicesByNetwork { get; private init; } =
        ImmutableDictionary<NetworkId, ImmutableHashSet<ServiceId>>.Empty;

    /// <summary>Services with ports that every node answers on.</summary>
    public ImmutableHashSet<ServiceId> Published { get; private init; } = [];

    /// <summary>When the cluster was formed; unknown in states of versions that did not keep it.</summary>
    public DateTimeOffset FormedAt { get; private init; }

    /// <summary>Whom the cluster trusts; null for a manager that is alone.</summary>
    public ClusterTrust? Trust { get; private init; }

    /// <summary>What administrators decided about certificates.</summary>
    public ClusterSettings Settings { get; private init; } = ClusterSettings.Default;

    /// <summary>What nodes proved when they joined, by id.</summary>
    public ImmutableDictionary<NodeId, NodeIdentity> Identities { get; private init; } = ImmutableDictionary<NodeId, NodeIdentity>.Empty;

    /// <summary>Keys of removed nodes, with when they were removed: nobody joins with one again.</summary>
    public ImmutableDictionary<string, DateTimeOffset> RemovedKeys { get; private init; } = ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>Persons and tools that may call, by name.</summary>
    public ImmutableDictionary<string, Client> Clients { get; private init; } = ImmutableDictionary<string, Client>.Empty;

    /// <summary>What unlocks restarted managers; null while autolock is off. Never shown but to administrators.</summary>
    public string? UnlockKey { get; private init; }

    /// <summary>The authority of the cluster's etcd; null while it never had one.</summary>
    public StoreAuthority? StoreAuthority { get; private init; }

    /// <summary>Tasks by id, ended ones in history included.</summary>
    public TaskMap Tasks { get; private init; } = TaskMap.Empty;

    /// <summary>Task ids of each service, also of one that is gone while its tasks are not.</summary>
    public ImmutableDictionary<ServiceId, TaskSet> TasksByService { get; private init; } = ImmutableDictionary<ServiceId, TaskSet>.Empty;

    /// <summary>Task ids assigned to each node and not ended, plus ended ones still in history.</summary>
    public ImmutableDictionary<NodeId, TaskSet> TasksByNode { get; private init; } = ImmutableDictionary<NodeId, TaskSet>.Empty;

    /// <summary>Live tasks without a node: the scheduler's work.</summary>
    public TaskSet Unassigned { get; private init; } = TaskSet.Empty;

    /// <summary>How many tasks are live.</summary>
    public int LiveTasks { get; private init; }

    /// <summary>How many tasks count as running: <see cref="CountsAsRunning"/>.</summary>
    public int RunningTasks { get; private init; }

    /// <summary>Task specs of each service by spec version, as long as a task, the spec or the previous spec needs them.</summary>
    public ImmutableDictionary<ServiceId, ImmutableDictionary<long, TaskSpec>> TaskSpecs { get; private init; } =
        ImmutableDictionary<ServiceId, ImmutableDictionary<long, TaskSpec>>.Empty;

    /// <summary>The service of that name.</summary>
    public Service? FindService(string name) =>
        ServiceNames.TryGetValue(name, out var id) ? Services[id] : null;

    /// <summary>The network of that name.</summary>
    public Network? FindNetwork(string name) => NetworkNames.TryGetValue(name, out var id) ? Networks[id] : null;

    /// <summary>Services of a network in no order; empty when it has none.</summary>
    public IEnumerable<Service> ServicesIn(NetworkId network) =>
        ServicesByNetwork.TryGetValue(network, out var ids) ? ids.Select(id => Services[id]) : [];

    /// <summary>Tasks of a service in no order; empty when it has none.</summary>
    public IEnumerable<ServiceTask> TasksOf(ServiceId service) =>
        TasksByService.TryGetValue(service, out var ids) ? ids.Select(id => Tasks[id]) : [];

    /// <summary>Tasks of a node in no order; empty when it has none.</summary>
    public IEnumerable<ServiceTask> TasksOn(NodeId node) =>
        TasksByNode.TryGetValue(node, out var ids) ? ids.Select(id => Tasks[id]) : [];

    /// <summary>Whether a task runs and its node can say so: what <c>REPLICAS</c> counts.</summary>
    public bool CountsAsRunning(ServiceTask task) =>
        IsRunning(task) && Nodes.TryGetValue(task.NodeId!.Value, out var node) && node.Status.State != NodeState.Down;

    /// <summary>Whether a task runs, by what was last heard of it.</summary>
    internal static bool IsRunning(ServiceTask task) => task is { State: TaskState.Running, DesiredState: TaskState.Running, NodeId: not null };

    /// <summary>The state after a commit. Pure: the same state and commit give the same state, today and in a replay.</summary>
    public ClusterState Apply(Commit commit) => ApplyAll(commit.Changes, commit.Index, commit.At);

    /// <summary>The state after soft changes; <see cref="Index"/> stays.</summary>
    public ClusterState Observe(IReadOnlyCollection<Change> changes) => ApplyAll(changes, Index, default);

    /// <summary>A state as a snapshot holds it.</summary>
    public static ClusterState Restore(
        long index, ClusterId? clusterId, long epoch, IEnumerable<Service> services, IEnumerable<Stack> stacks, IEnumerable<Node> nodes,
        IEnumerable<(ServiceId Service, long SpecVersion, TaskSpec Spec)> taskSpecs, IEnumerable<ServiceTask> tasks,
        IEnumerable<Client>? clients = null, string? unlockKey = null, IdentityParts? identity = null, StoreAuthority? storeAuthority = null,
        int level = ReleaseLevel.First, IEnumerable<Network>? networks = null)
    {
        var builder = new ClusterStateBuilder(Empty) { ClusterId = clusterId, Epoch = epoch, UnlockKey = unlockKey, StoreAuthority = storeAuthority, Level = level };
        identity?.Restore(builder);
        foreach (var (service, version, spec) in taskSpecs)
            builder.KeepSpec(service, version, spec);
        foreach (var network in networks ?? [])
            builder.Networks.Put(network);
        foreach (var service in services)
            builder.Put(service);
        foreach (var stack in stacks)
            builder.Put(stack);
        foreach (var node in nodes)
            builder.Put(node);
        foreach (var task in tasks)
            builder.Put(task);
        foreach (var client in clients ?? [])
            builder.Clients[client.Name] = client;
        return builder.Build(index);
    }

    private ClusterState ApplyAll(IReadOnlyCollection<Change> changes, long index, DateTimeOffset at)
    {
        var builder = new ClusterStateBuilder(this);
        foreach (var change in changes)
            builder.Apply(change, index, at);
        return builder.Build(index);
    }

    internal static ClusterState From(ClusterStateBuilder builder, long index) => new()
    {
        Index = index,
        ClusterId = builder.ClusterId,
        Epoch = builder.Epoch,
        Level = builder.Level,
        LedSince = builder.LedSince,
        Services = builder.Services.ToImmutable(),
        ServiceNames = builder.ServiceNames.ToImmutable(),
        Stacks = builder.Stacks.ToImmutable(),
        Nodes = builder.Nodes.ToImmutable(),
        Networks = builder.Networks.All.ToImmutable(),
        NetworkNames = builder.Networks.Names.ToImmutable(),
        ServicesByNetwork = builder.Networks.Services.ToImmutable(),
        Published = builder.Networks.Published.ToImmutable(),
        FormedAt = builder.FormedAt,
        Trust = builder.Trust,
        Settings = builder.Settings,
        Identities = builder.Identities.ToImmutable(),
        RemovedKeys = builder.RemovedKeys.ToImmutable(),
        Clients = builder.Clients.ToImmutable(),
        UnlockKey = builder.UnlockKey,
        StoreAuthority = builder.StoreAuthority,
        Tasks = builder.Tasks.ToImmutable(),
        TasksByService = builder.TasksByService.ToImmutable(),
        TasksByNode = builder.TasksByNode.ToImmutable(),
        Unassigned = builder.Unassigned.ToImmutable(),
        LiveTasks = builder.LiveTasks,
        RunningTasks = builder.RunningTasks,
        TaskSpecs = builder.TaskSpecs.ToImmutable(),
    };
}
