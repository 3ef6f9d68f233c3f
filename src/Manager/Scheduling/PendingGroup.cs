using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>Pending tasks of one service and spec version: they ask the same of every node.</summary>
internal sealed class PendingGroup(ServiceTask first)
{
    /// <summary>Failures older than this no longer count against a node.</summary>
    public static readonly TimeSpan FailureMemory = TimeSpan.FromMinutes(5);

    private Dictionary<TaskId, List<ServiceTask>> _predecessors = [];

    public ServiceId Service { get; } = first.ServiceId;
    public long SpecVersion { get; } = first.SpecVersion;
    public Needs Needs { get; } = new(first.Spec);
    public List<ServiceTask> Tasks { get; } = [];
    public List<ServiceTask> Unplaced { get; } = [];
    public DateTimeOffset Oldest { get; private set; } = DateTimeOffset.MaxValue;

    public void Add(ServiceTask task)
    {
        Tasks.Add(task);
        if (task.CreatedAt < Oldest)
            Oldest = task.CreatedAt;
    }

    /// <summary>Shows the group to every node: constraints, failures, and who is about to go.</summary>
    public void Enter(ClusterState state, Rooms rooms, DateTimeOffset now)
    {
        Needs.Look(state);
        foreach (var room in rooms.All)
            room.Enter(Service, Needs.Constraints);
        var slots = new Dictionary<(int Slot, NodeId Node), ServiceTask>();
        Dictionary<(int Slot, NodeId Node), List<ServiceTask>>? shared = null;
        foreach (var task in state.TasksOf(Service))
        {
            if (task.State.IsTerminal())
                CountFailure(task, rooms, now);
            else if (!slots.TryAdd(SlotOf(task), task))
                Share(shared ??= [], slots[SlotOf(task)], task);
        }
        _predecessors = [];
        foreach (var tasks in shared?.Values.AsEnumerable() ?? [])
            Supersede(tasks, rooms);
    }

    /// <summary>What on <paramref name="node"/> will be gone before <paramref name="task"/> starts: only a task that is
    /// prepared first (desired READY) waits for its predecessor.</summary>
    public Relief ReliefOn(NodeId node, ServiceTask task)
    {
        var relief = Relief.None;
        if (task.DesiredState != TaskState.Ready)
            return relief;
        foreach (var predecessor in PredecessorsOf(task))
        {
            if (predecessor.NodeId == node)
                relief += Relief.Of(predecessor);
        }
        return relief;
    }

    /// <summary>Tasks that occupy the slot which <paramref name="task"/> takes over.</summary>
    public IReadOnlyList<ServiceTask> PredecessorsOf(ServiceTask task) =>
        _predecessors.TryGetValue(task.Id, out var predecessors) ? predecessors : [];

    // What two tasks of one service have in common when one replaces the other; in a global service the node is the slot.
    private static (int Slot, NodeId Node) SlotOf(ServiceTask task) =>
        (task.Slot, task.Slot == 0 ? task.NodeId.GetValueOrDefault() : default);

    private static void Share(Dictionary<(int, NodeId), List<ServiceTask>> shared, ServiceTask first, ServiceTask task)
    {
        if (!shared.TryGetValue(SlotOf(task), out var tasks))
            shared[SlotOf(task)] = tasks = [first];
        tasks.Add(task);
    }

    private void CountFailure(ServiceTask task, Rooms rooms, DateTimeOffset now)
    {
        if (task.State is TaskState.Failed or TaskState.Rejected
            && task.SpecVersion == SpecVersion
            && now - task.Status.Timestamp < FailureMemory
            && rooms.Find(task.NodeId) is { } room)
        {
            room.Failures++;
        }
    }

    private void Supersede(List<ServiceTask> tasks, Rooms rooms)
    {
        tasks.Sort(static (left, right) =>
            left.CreatedAt != right.CreatedAt ? left.CreatedAt.CompareTo(right.CreatedAt) : left.Id.CompareTo(right.Id));
        var newest = tasks[^1];
        if (!newest.IsLive)
            return;
        var older = tasks[..^1].Where(NodeUsage.IsOccupiedBy).ToList();
        foreach (var task in older)
        {
            if (task.DesiredState <= TaskState.Running && rooms.Find(task.NodeId) is { } room)
                room.Superseded++;
        }
        if (newest.State < TaskState.Assigned)
            _predecessors[newest.Id] = older;
    }
}
