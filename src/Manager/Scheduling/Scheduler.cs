using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>Changes of one pass.</summary>
/// <param name="Changes">Assignments, then reasons of tasks that fit nowhere.</param>
/// <param name="IsComplete">False when the limit of a pass was reached: run another on the state that follows.</param>
public sealed record Placements(ImmutableArray<Change> Changes, bool IsComplete);

/// <summary>Chooses a node for every task that has none, or says why there is none. Rules: docs/scheduling.md.</summary>
/// <remarks>Deterministic, and idempotent: once its changes have taken effect it returns nothing.</remarks>
public static class Scheduler
{
    /// <summary>Changes in one proposal: large enough to spread the cost of a pass, small enough that agents begin early.</summary>
    public const int ChangesPerPass = 5000;

    private const string Waiting = "waits for a node that fits";

    /// <summary>Decides on a state alone; counts every node's usage anew.</summary>
    public static Placements Decide(ClusterState state, DateTimeOffset now) => Decide(state, ClusterUsage.Of(state), now);

    /// <summary>Decides what to place where.</summary>
    /// <param name="state">The whole state.</param>
    /// <param name="usage">What its nodes carry; only read.</param>
    /// <param name="now">The manager's clock: failures are forgotten after <see cref="PendingGroup.FailureMemory"/>.</param>
    /// <param name="limit">Changes at most.</param>
    public static Placements Decide(ClusterState state, ClusterUsage usage, DateTimeOffset now, int limit = ChangesPerPass)
    {
        if (state.Unassigned.IsEmpty)
            return new Placements([], IsComplete: true);

        var changes = ImmutableArray.CreateBuilder<Change>();
        var rooms = new Rooms(state, usage);
        var groups = Groups(state);
        foreach (var group in groups)
        {
            group.Enter(state, rooms, now);
            if (!Place(group, rooms, changes, limit))
                return new Placements(changes.ToImmutable(), IsComplete: false);
        }
        // Only now: a later group's placements change how much is free.
        foreach (var group in groups.Where(group => group.Unplaced.Count > 0))
        {
            group.Enter(state, rooms, now);
            Explain(group, rooms, changes, now);
        }
        return changes.Count <= limit
            ? new Placements(changes.ToImmutable(), IsComplete: true)
            : new Placements([.. changes.Take(limit)], IsComplete: false);
    }

    // Who waits longest comes first; groups of one service are neighbours.
    private static List<PendingGroup> Groups(ClusterState state)
    {
        var groups = new Dictionary<(ServiceId, long), PendingGroup>();
        foreach (var id in state.Unassigned)
        {
            var task = state.Tasks[id];
            if (!groups.TryGetValue((task.ServiceId, task.SpecVersion), out var group))
                groups.Add((task.ServiceId, task.SpecVersion), group = new PendingGroup(task));
            group.Add(task);
        }
        return [.. groups.Values.OrderBy(group => group.Oldest).ThenBy(group => group.Service).ThenBy(group => group.SpecVersion)];
    }

    // False when the limit was reached before the group's last task.
    private static bool Place(PendingGroup group, Rooms rooms, ImmutableArray<Change>.Builder changes, int limit)
    {
        group.Tasks.Sort(static (left, right) => left.Slot != right.Slot ? left.Slot.CompareTo(right.Slot) : left.Id.CompareTo(right.Id));
        Branch? spread = null;
        foreach (var task in group.Tasks)
        {
            if (changes.Count >= limit)
                return false;
            var room = task.NodeId is { } own
                ? OwnRoom(group, rooms, task, own)
                : BestRoom(group, rooms, task, spread ??= rooms.Spread(group.Needs));
            if (room is null)
                group.Unplaced.Add(task);
            else
                Take(group, room, task, changes);
        }
        return true;
    }

    private static NodeRoom? OwnRoom(PendingGroup group, Rooms rooms, ServiceTask task, NodeId own) =>
        rooms.Find(own) is { } room && group.Needs.Reject(room, group.ReliefOn(own, task)) is null ? room : null;

    // A predecessor's node may fit this one task although it is full for all others.
    private static NodeRoom? BestRoom(PendingGroup group, Rooms rooms, ServiceTask task, Branch spread)
    {
        var best = spread.Best(group.Needs);
        foreach (var predecessor in group.PredecessorsOf(task))
        {
            if (rooms.Find(predecessor.NodeId) is { } room
                && !ReferenceEquals(room, best)
                && group.Needs.Reject(room, group.ReliefOn(room.Node.Id, task)) is null
                && (best is null || Branch.IsBefore(room, best)))
            {
                best = room;
            }
        }
        return best;
    }

    private static void Take(PendingGroup group, NodeRoom room, ServiceTask task, ImmutableArray<Change>.Builder changes)
    {
        foreach (var predecessor in group.PredecessorsOf(task))
        {
            if (task.DesiredState == TaskState.Ready && predecessor.NodeId == room.Node.Id)
                room.Share(Relief.Between(predecessor, task));
        }
        room.Place(task);
        changes.Add(new Change.TaskAssigned(task.Id, room.Node.Id));
    }

    private static void Explain(PendingGroup group, Rooms rooms, ImmutableArray<Change>.Builder changes, DateTimeOffset now)
    {
        string? anywhere = null;
        foreach (var task in group.Unplaced)
        {
            var reason = task.NodeId is not { } own ? anywhere ??= Explanation.NoNode(group.Needs, rooms.All)
                : rooms.Find(own) is { } room ? Explanation.OwnNode(group.Needs, room, group.ReliefOn(own, task))
                : "its node is no longer a member of the cluster";
            if (task.Status.Err == reason)
                continue;
            changes.Add(new Change.TaskObserved(task.Id, task.Status with
            {
                State = TaskState.Pending,
                Timestamp = now,
                Message = Waiting,
                Err = reason,
            }));
        }
    }
}
