using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>One service with its tasks by slot: what every decision about a service looks at.</summary>
/// <remarks>Made anew for each decision; not for several threads (it remembers which specs differ only in placement).</remarks>
public sealed class ServiceView
{
    private readonly Dictionary<long, bool> _differsOnlyInPlacement = [];

    private ServiceView(ClusterState state, Service service, IReadOnlyDictionary<SlotKey, Slot> slots)
    {
        State = state;
        Service = service;
        Slots = slots;
    }

    /// <summary>Where nodes are looked up.</summary>
    public ClusterState State { get; }

    /// <summary>The service; it may be ahead of the state by a decision.</summary>
    public Service Service { get; }

    /// <summary>Slots that have tasks, in no order.</summary>
    public IReadOnlyDictionary<SlotKey, Slot> Slots { get; }

    /// <summary>The number of the task spec that is wanted.</summary>
    public long Wanted => Service.SpecVersion;

    /// <summary>Whether a new spec, or the return to the old one, is on its way to the tasks.</summary>
    public bool IsRolling => Service.Rollout is { State: RolloutState.Updating or RolloutState.RollbackStarted };

    /// <summary>Whether a rollout stopped after failures and waits for a person.</summary>
    public bool IsPaused => Service.Rollout is { State: RolloutState.Paused or RolloutState.RollbackPaused };

    /// <summary>The settings that replacements follow now: those for rollbacks while one is on its way.</summary>
    public UpdateConfig Config =>
        Service.Rollout is { State: RolloutState.RollbackStarted or RolloutState.RollbackPaused or RolloutState.RollbackCompleted }
            ? Service.Spec.Rollback
            : Service.Spec.Update;

    /// <summary>Reads a service's tasks out of the state.</summary>
    public static ServiceView Of(ClusterState state, Service service)
    {
        var bySlot = new Dictionary<SlotKey, List<ServiceTask>>();
        if (state.TasksByService.TryGetValue(service.Id, out var ids))
        {
            foreach (var id in ids)
            {
                var task = state.Tasks[id];
                var key = SlotKey.Of(task);
                if (!bySlot.TryGetValue(key, out var list))
                    bySlot[key] = list = [];
                list.Add(task);
            }
        }
        var slots = new Dictionary<SlotKey, Slot>(bySlot.Count);
        foreach (var (key, tasks) in bySlot)
        {
            tasks.Sort(ByAge);
            slots[key] = new Slot(key, [.. tasks]);
        }
        return new ServiceView(state, service, slots);
    }

    /// <summary>The same tasks under <paramref name="service"/> as it was just decided to become.</summary>
    public ServiceView With(Service service) => new(State, service, Slots);

    /// <summary>The node of <paramref name="task"/>; null when it has none, or the node is no longer a member.</summary>
    public Node? NodeOf(ServiceTask task) =>
        task.NodeId is { } id && State.Nodes.TryGetValue(id, out var node) ? node : null;

    /// <summary>Whether the task's node is down or no longer a member: nobody hears of the task again while that lasts.</summary>
    public bool IsLost(ServiceTask task) =>
        task.NodeId is not null && NodeOf(task) is not { Status.State: not NodeState.Down };

    /// <summary>Whether what is known of the task is news: its node is connected.</summary>
    public bool IsHeardOf(ServiceTask task) => NodeOf(task) is { Status.State: NodeState.Ready };

    /// <summary>Whether the task runs where it can be heard of.</summary>
    public bool Serves(ServiceTask task) => task.Runs() && IsHeardOf(task);

    /// <summary>Whether the task has to leave its node: drained, or a constraint of its spec no longer holds there. Of a
    /// node that is not connected nothing is asked.</summary>
    public bool MustMove(ServiceTask task) =>
        NodeOf(task) is { Status.State: NodeState.Ready } node
        && (node.Spec.Availability == NodeAvailability.Drain || !node.Satisfies(task.Spec.Placement.Constraints));

    /// <summary>Whether the task is made from the wanted spec, or from one that differs in placement only while its node
    /// still suits: such a task is given the new number and runs on.</summary>
    public bool IsCurrent(ServiceTask task)
    {
        if (task.SpecVersion == Wanted)
            return true;
        return !IsPaused && DiffersOnlyInPlacement(task)
            && (task.NodeId is null || NodeOf(task) is { } node && node.Satisfies(Service.Spec.Task.Placement.Constraints));
    }

    /// <summary>For people: <c>slot 3</c>, or <c>node berth2</c> in a global service.</summary>
    public string NameOf(SlotKey key) => key.Number > 0
        ? $"slot {key.Number}"
        : $"node {(State.Nodes.TryGetValue(key.Node, out var node) ? node.Description.Hostname : key.Node.ToString())}";

    private bool DiffersOnlyInPlacement(ServiceTask task)
    {
        if (!_differsOnlyInPlacement.TryGetValue(task.SpecVersion, out var only))
        {
            var wanted = Service.Spec.Task;
            _differsOnlyInPlacement[task.SpecVersion] = only = task.Spec with { Placement = wanted.Placement } == wanted;
        }
        return only;
    }

    private static int ByAge(ServiceTask left, ServiceTask right)
    {
        var age = left.CreatedAt.CompareTo(right.CreatedAt);
        return age != 0 ? age : left.Id.CompareTo(right.Id);
    }
}
