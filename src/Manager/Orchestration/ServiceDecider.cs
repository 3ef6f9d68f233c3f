using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Says what has to change so that a service becomes what it is wanted to be: the whole of orchestration for one
/// service, as a pure function. Level-triggered: it looks at everything each time, and returns nothing when all is well.</summary>
public static class ServiceDecider
{
    /// <summary>Decides for the service, or for what is left of it when it is gone.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="id">The service.</param>
    /// <param name="now">The leader's clock.</param>
    /// <param name="ids">Ids of new tasks.</param>
    public static OrchestrationDecision Decide(ClusterState state, ServiceId id, DateTimeOffset now, IdSource ids)
    {
        if (!state.Services.TryGetValue(id, out var service))
            return Abandon(state, id);

        var draft = new Draft(ServiceView.Of(state, service), now, ids);
        var plan = SlotPlan.Of(draft.View);
        var rollout = RolloutDecider.Decide(draft.View, plan.Wanted, now);
        draft.AskAgain(rollout.AskAgainAt);
        if (rollout.Service != service)
        {
            draft.Become(rollout.Service);
            plan = SlotPlan.Of(draft.View);
        }

        var window = UpdateWindow.Decide(draft.View, plan.Wanted, now);
        draft.AskAgain(window.AskAgainAt);
        foreach (var slot in plan.Wanted)
            SlotDecider.Decide(draft, slot, window.Admitted.Contains(slot.Key));
        foreach (var slot in plan.Extra)
            Clear(draft, slot);
        var leaving = plan.Extra.Select(slot => slot.Key).ToHashSet();
        foreach (var slot in draft.View.Slots.Values)
            Reaper.Decide(draft, slot, isLeaving: slot.Key.Number > 0 && leaving.Contains(slot.Key));
        return draft.Decide(isSettled: !draft.View.IsRolling && plan.Extra.Count == 0 && plan.Wanted.TrueForAll(IsSettled));
    }

    private static bool IsSettled(SlotReading slot) =>
        slot is { Kept.DesiredState: TaskState.Running, Outgoing: null, Stopping.Count: 0, Superfluous.Count: 0, Lost.Count: 0 };

    // A slot of a replicated service leaves with its history; a node's tasks of a global service only stop, because the node
    // may be wanted again.
    private static void Clear(Draft draft, Slot slot)
    {
        foreach (var task in slot.Tasks)
        {
            if (slot.Key.Number > 0)
            {
                if (task.DesiredState != TaskState.Remove)
                    draft.Remove(task, "scaled down");
            }
            else if (task.IsLive)
                draft.Stop(task, draft.View.IsLost(task) ? "its node is down" : "its node may not run it any more");
        }
    }

    private static OrchestrationDecision Abandon(ClusterState state, ServiceId id)
    {
        var changes = ImmutableArray.CreateBuilder<Change>();
        foreach (var task in state.TasksOf(id))
        {
            var node = task.NodeId is { } nodeId && state.Nodes.TryGetValue(nodeId, out var found) ? found : null;
            if (task.State.IsTerminal() || task.State < TaskState.Assigned || node is null or { Status.State: NodeState.Down })
                changes.Add(new Change.TaskRemoved(task.Id));
            else if (task.DesiredState != TaskState.Remove)
                changes.Add(new Change.TaskDesired(task.Id, TaskState.Remove, "its service was removed"));
        }
        return new OrchestrationDecision(changes.DrainToImmutable(), null);
    }
}
