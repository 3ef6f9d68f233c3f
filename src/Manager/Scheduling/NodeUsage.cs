using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>What one node already carries.</summary>
internal sealed class NodeUsage
{
    private readonly Dictionary<ServiceId, int> _liveOf;
    private Dictionary<(int Port, PortProtocol Protocol), int>? _ports;

    public NodeUsage() => _liveOf = [];

    private NodeUsage(NodeUsage from)
    {
        Reserved = from.Reserved;
        Live = from.Live;
        Prepared = from.Prepared;
        _liveOf = new(from._liveOf);
        _ports = from._ports is { Count: > 0 } ? new(from._ports) : null;
    }

    /// <summary>Kept for its tasks until they have ended.</summary>
    public Resources Reserved { get; private set; }

    /// <summary>Tasks on it that are meant to run.</summary>
    public int Live { get; private set; }

    /// <summary>Tasks on it that are only prepared until their predecessors are gone.</summary>
    public int Prepared { get; private set; }

    /// <summary>A copy that can change without this one.</summary>
    public NodeUsage Copy() => new(this);

    /// <summary>Tasks of a service on it that are meant to run.</summary>
    public int LiveOf(ServiceId service) => _liveOf.GetValueOrDefault(service);

    /// <summary>How many of its tasks hold a fixed port; two while a successor waits for its predecessor to stop.</summary>
    public int Holders(PortConfig port) => _ports?.GetValueOrDefault((port.Published, port.Protocol)) ?? 0;

    /// <summary>Counts a task that occupies the node.</summary>
    public void Add(ServiceTask task) => Count(task, 1);

    /// <summary>No longer counts it; <paramref name="task"/> is as it was when it was added.</summary>
    public void Remove(ServiceTask task) => Count(task, -1);

    /// <summary>Whether a task takes room on its node: given to it, and not ended. One that is to stop still does.</summary>
    public static bool IsOccupiedBy(ServiceTask task) =>
        task.NodeId is not null && task.State >= TaskState.Assigned && !task.State.IsTerminal();

    /// <summary>Whether both count the same on the same node, so that nothing has to be counted anew.</summary>
    public static bool CountsAlike(ServiceTask left, ServiceTask right) =>
        left.NodeId == right.NodeId
        && IsOccupiedBy(left) == IsOccupiedBy(right)
        && (left.DesiredState == right.DesiredState || left.DesiredState > TaskState.Running && right.DesiredState > TaskState.Running)
        && ReferenceEquals(left.Spec, right.Spec);

    private void Count(ServiceTask task, int by)
    {
        var reservation = task.Spec.Resources.Reservations;
        Reserved = by > 0 ? Reserved + reservation : Reserved - reservation;
        foreach (var port in task.Spec.Ports)
        {
            if (port.Published != 0)
                Step(_ports ??= [], (port.Published, port.Protocol), by);
        }
        if (task.DesiredState > TaskState.Running)
            return;
        Live += by;
        Prepared += task.DesiredState == TaskState.Ready ? by : 0;
        Step(_liveOf, task.ServiceId, by);
    }

    private static void Step<TKey>(Dictionary<TKey, int> counts, TKey key, int by)
        where TKey : notnull
    {
        var count = counts.GetValueOrDefault(key) + by;
        if (count == 0)
            counts.Remove(key);
        else
            counts[key] = count;
    }
}
