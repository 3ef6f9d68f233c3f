using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>Sorts waiting tasks by why they wait, into few words that never become more: for metrics and alerts. People read the
/// task's own message.</summary>
public static class PendingReason
{
    // What Explanation writes, and the word for it; the first that is found counts.
    private static readonly (string Text, string Word)[] Words =
    [
        ("insufficient resources", "insufficient_resources"),
        ("constraints not satisfied", "constraints"),
        ("host port taken", "port_taken"),
        ("max_replicas_per_node", "max_replicas"),
        ("not a Linux host", "platform"),
        ("networks not possible", "networks"),
        ("not available", "node_unavailable"),
        ("the cluster has no node", "no_node"),
    ];

    private const string NotLookedAt = "not_looked_at";

    /// <summary>Every word there is.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Words.Select(word => word.Word), NotLookedAt];

    /// <summary>The word for a task that has no node yet.</summary>
    public static string Of(ServiceTask task)
    {
        var text = task.Status.Err.Length > 0 ? task.Status.Err : task.Status.Message;
        foreach (var (found, word) in Words)
        {
            if (text.Contains(found, StringComparison.Ordinal))
                return word;
        }
        return NotLookedAt;
    }
}
