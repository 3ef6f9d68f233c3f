using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>A task that an agent made itself while no manager was there; ages are instants of the manager's clock by now.</summary>
/// <param name="Id">Its id, made by the agent.</param>
/// <param name="Generation">Its place in the row that follows the root, from 1.</param>
/// <param name="Attempt">Quick failures in its slot just before it.</param>
/// <param name="Made">When it was made.</param>
/// <param name="NotBefore">When its backoff ends; null once it was started.</param>
/// <param name="Status">What is known of it.</param>
public sealed record LocalAttempt(
    TaskId Id, int Generation, int Attempt, DateTimeOffset Made, DateTimeOffset? NotBefore, ServiceTaskStatus Status);

/// <summary>A task of the managers that ended while they were away, and what its agent ran in its place since.</summary>
/// <param name="Root">The managers' task.</param>
/// <param name="RootStatus">How it ended.</param>
/// <param name="Attempts">In the order of their generations.</param>
public sealed record LocalChain(TaskId Root, ServiceTaskStatus RootStatus, ValueList<LocalAttempt> Attempts);

/// <summary>Takes over what agents restarted by themselves, where nobody else took the slot since.</summary>
/// <remarks>docs/decisions on local restarts say why: the end, the attempts and their places become one commit, before any
/// decider sees the end and fills the slot a second time.</remarks>
internal static class LocalAttempts
{
    /// <summary>The changes that make a node's local attempts the cluster's tasks.</summary>
    /// <param name="state">The newest state.</param>
    /// <param name="node">The node that registers.</param>
    /// <param name="chains">What its agent says.</param>
    /// <returns>Nothing for chains that came too late: their attempts are in no assignment set, so the agent stops them.
    /// Idempotent: a chain that was taken over already changes nothing.</returns>
    public static ImmutableArray<Change> Adopt(ClusterState state, NodeId node, ValueList<LocalChain> chains)
    {
        if (chains.IsEmpty)
            return [];
        var changes = ImmutableArray.CreateBuilder<Change>();
        var seen = new HashSet<TaskId>();
        foreach (var chain in chains)
        {
            // Each task once: an agent that says otherwise is mistaken, and must not fill a slot twice.
            if (seen.Add(chain.Root) && chain.Attempts.All(attempt => seen.Add(attempt.Id)))
                Adopt(changes, state, node, chain);
        }
        return changes.ToImmutable();
    }

    private static void Adopt(ImmutableArray<Change>.Builder changes, ClusterState state, NodeId node, LocalChain chain)
    {
        // Some of the row may be known from a registration whose answer never reached the agent.
        var (occupant, status, generation) = (chain.Root, chain.RootStatus, 0);
        foreach (var attempt in chain.Attempts)
        {
            if (state.Tasks.ContainsKey(attempt.Id))
                (occupant, status, generation) = (attempt.Id, attempt.Status, attempt.Generation);
        }
        var row = chain.Attempts.Where(attempt => attempt.Generation > generation).ToList();
        if (row.Count == 0 || !MayFollow(state, node, occupant, status) || !IsRow(state, row))
            return;

        var slot = state.Tasks[occupant];
        changes.Add(new Change.TaskEnded(occupant, status.After(slot.Status)));
        var after = slot.CreatedAt;
        foreach (var attempt in row)
        {
            // A history sorts by creation; clocks that disagree must not turn it round.
            after = attempt.Made > after ? attempt.Made : after.AddTicks(1);
            var waits = attempt.NotBefore is not null && !attempt.Status.State.IsTerminal();
            changes.Add(new Change.TaskCreated(
                attempt.Id, slot.ServiceId, slot.Slot, slot.Slot == 0 ? node : null, slot.SpecVersion,
                waits ? TaskState.Ready : TaskState.Running, attempt.Attempt, attempt.NotBefore) { Made = after });
            changes.Add(new Change.TaskAssigned(attempt.Id, node));
            if (attempt.Status.State.IsTerminal())
                changes.Add(new Change.TaskEnded(attempt.Id, attempt.Status.After(attempt.Status)));
        }
    }

    // Only the task that holds the slot hands it on. One whose end is known has had its answer; one that was told to stop
    // was given up by its managers: its node was silent, or somebody changed the service.
    private static bool MayFollow(ClusterState state, NodeId node, TaskId occupant, ServiceTaskStatus said) =>
        state.Tasks.TryGetValue(occupant, out var task) && task.NodeId == node && task.IsLive && said.State.IsTerminal()
        && state.Services.ContainsKey(task.ServiceId);

    // All but the last have ended, generations grow, and every id is new.
    private static bool IsRow(ClusterState state, List<LocalAttempt> row)
    {
        for (var at = 0; at < row.Count; at++)
        {
            if (state.Tasks.ContainsKey(row[at].Id))
                return false;
            if (at > 0 && (row[at].Generation <= row[at - 1].Generation || !row[at - 1].Status.State.IsTerminal()))
                return false;
        }
        return true;
    }
}
