using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>What one agent was told in its session.</summary>
public sealed class Told
{
    private readonly Dictionary<TaskId, TaskState> _desired = [];
    private readonly NamedTemplates<(ServiceId, long)> _templates = new();

    /// <summary>Tasks it was told of and that were not removed.</summary>
    public IReadOnlyDictionary<TaskId, TaskState> Desired => _desired;

    /// <summary>Messages so far.</summary>
    public long Sequence { get; private set; }

    /// <summary>Templates it has, by service and spec version.</summary>
    public IReadOnlyCollection<(ServiceId Service, long SpecVersion)> Templates => _templates.All;

    /// <summary>Whether it has the task's template.</summary>
    public bool HasTemplate(ServiceTask task) => _templates.Contains((task.ServiceId, task.SpecVersion));

    /// <summary>It was sent these.</summary>
    public void Remember(AssignmentDelta delta)
    {
        Sequence++;
        if (delta.IsFull)
            _desired.Clear();
        foreach (var task in delta.Put)
            _desired[task.Id] = task.DesiredState;
        foreach (var removed in delta.Removed)
            _desired.Remove(removed);
        _templates.Apply(delta.IsFull, delta.Put.Select(task => (task.Id, (task.ServiceId, task.SpecVersion))), delta.Removed);
    }
}

/// <summary>What changes for one agent.</summary>
/// <param name="IsFull">Whether what it does not name is to go.</param>
/// <param name="Put">Tasks that are new to the agent or desired otherwise than before.</param>
/// <param name="Removed">Tasks to stop and forget.</param>
public sealed record AssignmentDelta(bool IsFull, ImmutableArray<ServiceTask> Put, ImmutableArray<TaskId> Removed)
{
    /// <summary>Whether there is nothing to say.</summary>
    public bool IsEmpty => !IsFull && Put.IsEmpty && Removed.IsEmpty;
}

/// <summary>What agents are told: everything at first, then what changed.</summary>
public static class Assignments
{
    /// <summary>Whether an agent of <paramref name="node"/> is to hold the task: it was given to the node, and is remembered.
    /// Ended tasks are held too, for their logs, until they are removed.</summary>
    public static bool IsFor(ServiceTask task, NodeId node) => task.NodeId == node && task.State >= TaskState.Assigned;

    /// <summary>Whether both mean the same to an agent. A new spec version alone does not matter: a task that keeps running
    /// under one differs only in placement.</summary>
    public static bool AreAlike(ServiceTask left, ServiceTask right) =>
        left.NodeId == right.NodeId
        && left.DesiredState == right.DesiredState
        && left.State >= TaskState.Assigned == right.State >= TaskState.Assigned;

    /// <summary>Everything a node's agent is to hold.</summary>
    public static AssignmentDelta Full(ClusterState state, NodeId node) => new(
        IsFull: true, [.. state.TasksOn(node).Where(task => IsFor(task, node)).OrderBy(task => task.Id)], []);

    /// <summary>What to tell an agent now.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="node">The agent's node.</param>
    /// <param name="told">What the agent was told so far.</param>
    /// <param name="touched">Tasks that may have changed since; others are not looked at.</param>
    public static AssignmentDelta Diff(ClusterState state, NodeId node, Told told, IEnumerable<TaskId> touched)
    {
        var put = ImmutableArray.CreateBuilder<ServiceTask>();
        var removed = ImmutableArray.CreateBuilder<TaskId>();
        foreach (var id in touched)
        {
            var isTold = told.Desired.TryGetValue(id, out var desired);
            if (state.Tasks.TryGetValue(id, out var task) && IsFor(task, node))
            {
                if (!isTold || desired != task.DesiredState)
                    put.Add(task);
            }
            else if (isTold)
            {
                removed.Add(id);
            }
        }
        return new AssignmentDelta(IsFull: false, put.ToImmutable(), removed.ToImmutable());
    }

    /// <summary>Writes a delta as the next message of a session; before <see cref="Told.Remember"/>.</summary>
    /// <param name="delta">What changes.</param>
    /// <param name="told">Which templates the agent has.</param>
    /// <param name="templates">Makes templates.</param>
    /// <param name="epoch">The leader's term.</param>
    public static V1.AssignmentSet ToWire(AssignmentDelta delta, Told told, Templates templates, long epoch)
    {
        var set = new V1.AssignmentSet
        {
            Sequence = told.Sequence + 1,
            Full = delta.IsFull,
            Epoch = epoch,
            Removed = { delta.Removed.Select(id => id.ToString()) },
        };
        foreach (var task in delta.Put)
        {
            var key = templates.KeyOf(task);
            if (!told.HasTemplate(task) && !set.Templates.ContainsKey(key))
                set.Templates.Add(key, templates.Of(task));
            set.Tasks.Add(new V1.Assignment
            {
                TaskId = task.Id.ToString(),
                Slot = task.Slot,
                Template = key,
                DesiredState = (V1.TaskState)task.DesiredState,
                KnownState = (V1.TaskState)task.State,
                Attempt = task.Attempt,
                Trace = templates.TraceOf(task),
            });
        }
        return set;
    }
}

/// <summary>Templates on the wire, each made once for all nodes that one state change concerns.</summary>
public sealed class Templates(ClusterState state)
{
    private readonly Dictionary<(ServiceId, long), (string Key, V1.ServiceTemplate? Template)> _made = [];

    /// <summary>Names a template in a session.</summary>
    public string KeyOf(ServiceTask task)
    {
        if (!_made.TryGetValue((task.ServiceId, task.SpecVersion), out var made))
            _made[(task.ServiceId, task.SpecVersion)] = made = ($"{task.ServiceId}/{task.SpecVersion}", null);
        return made.Key;
    }

    /// <summary>The trace a task was made for; empty when there was none.</summary>
    public string TraceOf(ServiceTask task) => state.Services.GetValueOrDefault(task.ServiceId)?.TraceAt(task.CreatedAt) ?? "";

    /// <summary>What tasks of the same service and spec version have in common. A removed service has no name any more; its
    /// id stands for it.</summary>
    public V1.ServiceTemplate Of(ServiceTask task)
    {
        var key = KeyOf(task);
        if (_made[(task.ServiceId, task.SpecVersion)].Template is { } known)
            return known;
        var service = state.Services.GetValueOrDefault(task.ServiceId);
        var template = new V1.ServiceTemplate
        {
            ServiceId = task.ServiceId.ToString(),
            ServiceName = service?.Spec.Name ?? task.ServiceId.ToString(),
            SpecVersion = task.SpecVersion,
            Spec = task.Spec.ToWire(),
        };
        _made[(task.ServiceId, task.SpecVersion)] = (key, template);
        return template;
    }
}
