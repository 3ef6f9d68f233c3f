using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>One node during one pass: what it carries with the pass's own placements, and how the group of tasks being
/// placed sees it.</summary>
internal sealed class NodeRoom
{
    /// <summary>So many recent failures of a spec on a node put that node behind all others for it.</summary>
    public const int ManyFailures = 5;

    private readonly List<ServiceId> _replacing = [];
    private bool _isOwnUsage;
    private ServiceId _service;
    private int _liveOfService;

    public NodeRoom(Node node, NodeUsage usage, ClusterState state)
    {
        Node = node;
        Usage = usage;
        IsAvailable = node.Status.State == NodeState.Ready && node.Spec.Availability == NodeAvailability.Active;
        if (usage.Prepared > 0)
            ShareBetween(state.TasksOn(node.Id));
    }

    public Node Node { get; }

    /// <summary>What it carries; copied from the shared index by the first placement.</summary>
    public NodeUsage Usage { get; private set; }

    public Resources Free => Node.Description.Capacity - Usage.Reserved + Shared.Resources;

    /// <summary>Whether new tasks may come at all.</summary>
    public bool IsAvailable { get; }

    /// <summary>Whether the group's constraints hold here.</summary>
    public bool MeetsConstraints { get; private set; }

    /// <summary>Recent failures of the group's spec here.</summary>
    public int Failures { get; set; }

    /// <summary>Older tasks of the group's service here whose slot has a newer task already: about to go, so ranking does not count them.</summary>
    public int Superseded { get; set; }

    /// <summary>Room counted twice here: by a task, and by its successor that starts only when the task is gone.</summary>
    public Relief Shared { get; private set; }

    /// <summary>Where it hangs in the group's spread tree.</summary>
    public Branch? Branch { get; set; }

    /// <summary>Tasks of the group's service that are here to stay.</summary>
    public int OfService => _liveOfService - Superseded;

    /// <summary>Its place among the nodes of one branch; it only moves back as the pass goes on.</summary>
    public Rank Rank => new(Failures < ManyFailures ? 0 : Failures, OfService, Usage.Live - Superseded, Node.Id);

    /// <summary>Looks at it with the eyes of another group.</summary>
    public void Enter(ServiceId service, ValueList<Constraint> constraints)
    {
        _service = service;
        _liveOfService = Usage.LiveOf(service);
        MeetsConstraints = IsAvailable && Node.Satisfies(constraints);
        Failures = 0;
        Superseded = 0;
        Shared = Shared with { Live = 0 };
        foreach (var replacing in _replacing)
            Shared = Shared with { Live = Shared.Live + (replacing == service ? 1 : 0) };
        Branch = null;
    }

    /// <summary>Tasks of the group's service that count against its limit per node.</summary>
    public int CountedOfService => _liveOfService - Shared.Live;

    /// <summary>A successor was placed beside its predecessor.</summary>
    public void Share(Relief relief)
    {
        Shared += relief;
        if (relief.Live > 0)
            _replacing.Add(_service);
    }

    /// <summary>Counts a task of the pass.</summary>
    public void Place(ServiceTask task)
    {
        if (!_isOwnUsage)
        {
            Usage = Usage.Copy();
            _isOwnUsage = true;
        }
        Usage.Add(task);
        _liveOfService++;
        for (var branch = Branch; branch is not null; branch = branch.Parent)
            branch.Tasks++;
    }

    private void ShareBetween(IEnumerable<ServiceTask> tasks)
    {
        foreach (var slot in tasks.Where(NodeUsage.IsOccupiedBy).GroupBy(task => (task.ServiceId, task.Slot)))
        {
            var successor = slot.MaxBy(task => (task.CreatedAt, task.Id));
            if (successor is not { DesiredState: TaskState.Ready })
                continue;
            _service = successor.ServiceId;
            foreach (var predecessor in slot.Where(task => task.Id != successor.Id))
                Share(Relief.Between(predecessor, successor));
        }
    }
}

/// <summary>The order of nodes for a group: fewest of its service, then fewest in all, failing nodes behind; the id decides ties.</summary>
internal readonly record struct Rank(int Failures, int OfService, int InAll, NodeId Id) : IComparable<Rank>
{
    public int CompareTo(Rank other) =>
        Failures != other.Failures ? Failures.CompareTo(other.Failures)
        : OfService != other.OfService ? OfService.CompareTo(other.OfService)
        : InAll != other.InAll ? InAll.CompareTo(other.InAll)
        : Id.CompareTo(other.Id);
}

/// <summary>Room that need not be counted, because who holds it will be gone before the task starts.</summary>
internal readonly record struct Relief(Resources Resources, int Live, ValueList<PortConfig> Ports)
{
    public static Relief None { get; }

    /// <summary>All that a task holds: for its own successor.</summary>
    public static Relief Of(ServiceTask task) =>
        new(task.Spec.Resources.Reservations, task.DesiredState <= TaskState.Running ? 1 : 0, task.Spec.Ports);

    /// <summary>What a task and its waiting successor on the same node both hold: they never run together.</summary>
    public static Relief Between(ServiceTask task, ServiceTask successor)
    {
        var (held, wanted) = (task.Spec.Resources.Reservations, successor.Spec.Resources.Reservations);
        var both = new Resources(Math.Min(held.NanoCpus, wanted.NanoCpus), Math.Min(held.MemoryBytes, wanted.MemoryBytes));
        return new(
            both,
            task.DesiredState <= TaskState.Running ? 1 : 0,
            task.Spec.Ports.Where(port => successor.Spec.Ports.Any(other => Same(port, other))).ToValueList());
    }

    public static Relief operator +(Relief left, Relief right) =>
        new(left.Resources + right.Resources, left.Live + right.Live, left.Ports.IsEmpty ? right.Ports : right.Ports.IsEmpty ? left.Ports
            : left.Ports.Concat(right.Ports).ToValueList());

    /// <summary>How many holders of a fixed port it takes away.</summary>
    public int Holders(PortConfig port)
    {
        var holders = 0;
        foreach (var held in Ports)
        {
            if (Same(held, port))
                holders++;
        }
        return holders;
    }

    private static bool Same(PortConfig left, PortConfig right) =>
        left.Published == right.Published && left.Protocol == right.Protocol;
}
