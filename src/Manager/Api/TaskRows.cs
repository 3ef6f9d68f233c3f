using System.Runtime.CompilerServices;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Tasks as lists show them. Lives for one answer.</summary>
/// <param name="state">The state all rows are from.</param>
internal sealed class TaskRows(ClusterState state)
{
    // All tasks of a service share one spec object; so do their rows on the wire.
    private readonly Dictionary<TaskSpec, V1.TaskSpec> _specs = new(ReferenceComparer.Instance);

    /// <summary>By service name, then slot (node in global services), newest first.</summary>
    public static IEnumerable<ServiceTask> Sort(ClusterState state, IEnumerable<ServiceTask> tasks) => tasks
        .Select(task => (Task: task, Service: TaskNames.OfService(state, task.ServiceId)))
        .OrderBy(row => row.Service, StringComparer.Ordinal)
        .ThenBy(row => row.Task.Slot)
        .ThenBy(row => row.Task.Slot == 0 ? TaskNames.OfNode(state, row.Task.NodeId) : "", StringComparer.Ordinal)
        .ThenByDescending(row => row.Task.CreatedAt)
        .ThenByDescending(row => row.Task.Version)
        .ThenBy(row => row.Task.Id)
        .Select(row => row.Task);

    /// <summary>The row of a task, spec included.</summary>
    public V1.TaskRow Full(ServiceTask task)
    {
        if (!_specs.TryGetValue(task.Spec, out var spec))
            _specs[task.Spec] = spec = task.Spec.ToWire();
        return Row(task, spec);
    }

    /// <summary>The row without the spec: for streams that repeat rows often.</summary>
    public V1.TaskRow Brief(ServiceTask task) => Row(task, null);

    private V1.TaskRow Row(ServiceTask task, V1.TaskSpec? spec)
    {
        var row = new V1.TaskRow
        {
            Task = task.ToWire(spec),
            Name = TaskNames.Of(state, task),
            ServiceName = TaskNames.OfService(state, task.ServiceId),
            NodeHostname = TaskNames.OfNode(state, task.NodeId),
        };
        if (task.NodeId is { } id && state.Nodes.TryGetValue(id, out var node))
            row.NodeState = (V1.NodeState)node.Status.State;
        return row;
    }

    private sealed class ReferenceComparer : IEqualityComparer<TaskSpec>
    {
        public static ReferenceComparer Instance { get; } = new();

        public bool Equals(TaskSpec? x, TaskSpec? y) => ReferenceEquals(x, y);

        public int GetHashCode(TaskSpec obj) => RuntimeHelpers.GetHashCode(obj);
    }
}
