using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What agents' reports change.</summary>
/// <param name="Ended">Durable: tasks that ended.</param>
/// <param name="Soft">Tasks that came further.</param>
internal sealed record ObservedChanges(ImmutableArray<Change> Ended, ImmutableArray<Change> Soft);

/// <summary>Decides which reports are news: of tasks the reporting node has, and never going back.</summary>
internal static class Observations
{
    /// <summary>Decides a batch of reports, in the order they came.</summary>
    public static ObservedChanges Decide(ClusterState state, IReadOnlyCollection<StoreProtocol.Observe> batch)
    {
        var ended = new Dictionary<TaskId, Change>();
        var soft = new Dictionary<TaskId, Change.TaskObserved>();
        foreach (var observe in batch)
        {
            foreach (var (id, status) in observe.Reports)
            {
                if (ended.ContainsKey(id) || !state.Tasks.TryGetValue(id, out var task) || task.NodeId != observe.NodeId)
                    continue;
                var known = soft.TryGetValue(id, out var earlier) ? earlier.Status : task.Status;
                if (!IsNews(known, status))
                    continue;
                // Since when it ran goes into the journal's row: a replay knows of no soft status to take it from.
                if (status.State.IsTerminal())
                    ended[id] = new Change.TaskEnded(id, status.After(known));
                else
                    soft[id] = new Change.TaskObserved(id, status.After(known));
            }
        }
        return new ObservedChanges(
            [.. ended.Values], [.. soft.Values.Where(observed => !ended.ContainsKey(observed.Id))]);
    }

    /// <summary>Why a decider's soft word about a task is not news; null when it is.</summary>
    public static string? Problem(ClusterState state, Change.TaskObserved observed)
    {
        if (!state.Tasks.TryGetValue(observed.Id, out var task))
            return $"task {observed.Id} is gone";
        return IsNews(task.Status, observed.Status) && !observed.Status.State.IsTerminal()
            ? null
            : $"task {observed.Id} is {task.State.Word()} already";
    }

    // Agents repeat themselves after each reconnect; what only repeats is no change and wakes nobody.
    internal static bool IsNews(ServiceTaskStatus known, ServiceTaskStatus said) =>
        !known.State.IsTerminal() && said.State <= TaskState.Orphaned && said.State >= known.State
        && (said.State != known.State || !SaysTheSame(known, said));

    private static bool SaysTheSame(ServiceTaskStatus known, ServiceTaskStatus said) =>
        known with { Timestamp = said.Timestamp, RunningSince = said.RunningSince } == said;
}
