using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Which slots a service is to have.</summary>
/// <param name="Wanted">In the order of their keys; those without tasks included.</param>
/// <param name="Extra">Slots that have tasks and are not wanted.</param>
public sealed record SlotPlan(List<SlotReading> Wanted, List<Slot> Extra)
{
    /// <summary>Plans a service's slots, by its mode.</summary>
    public static SlotPlan Of(ServiceView view) => view.Service.Spec.Mode switch
    {
        ServiceMode.Replicated replicated => Replicated(view, replicated.Replicas),
        _ => Global(view),
    };

    private static SlotPlan Replicated(ServiceView view, int replicas)
    {
        var taken = new List<Slot>(view.Slots.Count);
        foreach (var slot in view.Slots.Values)
        {
            if (slot.Key.Number > 0 && slot.Tasks.Any(task => task.DesiredState != TaskState.Remove))
                taken.Add(slot);
        }
        var extra = new List<Slot>();
        if (taken.Count > replicas)
        {
            extra = ScaleDown.Choose(view, taken, taken.Count - replicas);
            var gone = extra.Select(slot => slot.Key).ToHashSet();
            taken.RemoveAll(slot => gone.Contains(slot.Key));
        }
        var wanted = new List<SlotReading>(replicas);
        foreach (var slot in taken)
            wanted.Add(SlotReading.Of(view, slot.Key, slot));
        AddMissing(view, wanted, replicas);
        wanted.Sort((left, right) => left.Key.CompareTo(right.Key));
        return new SlotPlan(wanted, extra);
    }

    // The lowest free numbers, so that slots stay 1..replicas where they can.
    private static void AddMissing(ServiceView view, List<SlotReading> wanted, int replicas)
    {
        if (wanted.Count >= replicas)
            return;
        var taken = wanted.Select(slot => slot.Key.Number).ToHashSet();
        for (var number = 1; wanted.Count < replicas; number++)
        {
            if (!taken.Contains(number))
                wanted.Add(SlotReading.Of(view, SlotKey.At(number), view.Slots.GetValueOrDefault(SlotKey.At(number))));
        }
    }

    private static SlotPlan Global(ServiceView view)
    {
        var wanted = new List<SlotReading>();
        var extra = new List<Slot>();
        foreach (var node in view.State.Nodes.Values)
        {
            var key = SlotKey.On(node.Id);
            var slot = view.Slots.GetValueOrDefault(key);
            var isConnected = node.Status.State == NodeState.Ready;
            var isPaused = node.Spec.Availability == NodeAvailability.Pause;
            if (!MayStay(view, node, slot))
            {
                if (slot is not null)
                    extra.Add(slot);
            }
            else if (isConnected && !isPaused)
                wanted.Add(SlotReading.Of(view, key, slot));
            else if (slot is not null && slot.Tasks.Any(task => task.IsLive))
                wanted.Add(SlotReading.Of(view, key, slot, mayCreate: false, isFrozen: isPaused));
        }
        foreach (var slot in view.Slots.Values)
        {
            if (!view.State.Nodes.ContainsKey(slot.Key.Node))
                extra.Add(slot);
        }
        wanted.Sort((left, right) => left.Key.CompareTo(right.Key));
        return new SlotPlan(wanted, extra);
    }

    // A node that is not connected keeps what it has until it is heard of, or down. While a rollout is paused, a node keeps
    // its task as long as that task's own constraints hold there.
    private static bool MayStay(ServiceView view, Node node, Slot? slot)
    {
        if (node.Status.State == NodeState.Down)
            return false;
        if (node.Status.State != NodeState.Ready)
            return true;
        if (node.Spec.Availability == NodeAvailability.Drain)
            return false;
        var spec = view.IsPaused && slot?.Tasks.LastOrDefault(task => task.IsLive) is { } live ? live.Spec : view.Service.Spec.Task;
        return node.Satisfies(spec.Placement.Constraints);
    }
}
