using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Api;

/// <summary>A task whose log can be asked for.</summary>
/// <param name="Task">The task.</param>
/// <param name="Node">Its node.</param>
/// <param name="Name">SERVICE.SLOT.</param>
/// <param name="Hostname">Its node's name.</param>
internal sealed record LogSource(ServiceTask Task, NodeId Node, string Name, string Hostname);

/// <summary>Whose logs a reader can have now, and what he should know of the rest.</summary>
/// <param name="Readable">Tasks to ask for, oldest first.</param>
/// <param name="Notices">For people, one sentence each.</param>
internal sealed record LogSources(ImmutableArray<LogSource> Readable, ImmutableArray<string> Notices)
{
    /// <summary>Logs read at the same time: each is a stream of its own between an agent and this manager.</summary>
    public const int Most = 256;

    /// <summary>Divides tasks into those that can be read and those that cannot.</summary>
    public static LogSources Among(ClusterState state, IEnumerable<ServiceTask> tasks)
    {
        var readable = new List<LogSource>();
        var unreachable = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        var notices = new List<string>();
        foreach (var task in TaskRows.Sort(state, tasks))
        {
            var name = TaskNames.Of(state, task);
            if (!HasContainer(task))
            {
                if (task.IsLive)
                    notices.Add($"{name} has written nothing yet: it is {task.State.Word()}{Why(task)}");
            }
            else if (Unreachable(state, task) is { } why)
            {
                if (!unreachable.TryGetValue(why, out var names))
                    unreachable[why] = names = [];
                names.Add(name);
            }
            else
            {
                readable.Add(new LogSource(task, task.NodeId!.Value, name, TaskNames.OfNode(state, task.NodeId)));
            }
        }

        foreach (var (why, names) in unreachable)
            notices.Add($"{why}: no logs of {string.Join(", ", names.Distinct())} from there");
        if (readable.Count > Most)
            notices.Add($"{readable.Count} tasks have logs; these are those of the {Most} newest: name a task to see another's");
        return new LogSources(
            [.. readable.OrderByDescending(source => source.Task.IsLive).ThenByDescending(source => source.Task.CreatedAt)
                .ThenBy(source => source.Task.Id).Take(Most).Reverse()],
            [.. notices]);
    }

    /// <summary>Whether there is, or was, a container that may have written something.</summary>
    public static bool HasContainer(ServiceTask task) =>
        task.NodeId is not null && (task.Status.ContainerId.Length > 0 || task.State is TaskState.Starting or TaskState.Running);

    /// <summary>Why the task's node cannot be asked; null when it can.</summary>
    public static string? Unreachable(ClusterState state, ServiceTask task)
    {
        if (task.NodeId is not { } id || !state.Nodes.TryGetValue(id, out var node))
            return $"node {task.NodeId} is gone";
        return node.Status.State switch
        {
            NodeState.Ready => null,
            NodeState.Down => $"{node.Description.Hostname} is down",
            NodeState.Disconnected => $"{node.Description.Hostname} is not connected",
            _ => $"{node.Description.Hostname} has not been heard of since the manager started",
        };
    }

    /// <summary>How a task ended, for people.</summary>
    public static string Ending(ServiceTask task)
    {
        var code = task.Status.ExitCode is { } exit and not 0 ? $" (exit code {exit})" : "";
        var why = task.Status.Err.Length == 0 && task.StopReason.Length > 0 ? $": {task.StopReason}" : Why(task);
        return $"{task.State.Word()}{code}{why}";
    }

    private static string Why(ServiceTask task) =>
        task.Status.Err.Length > 0 ? $": {task.Status.Err}"
        : task.Status.Message.Length > 0 ? $": {task.Status.Message}"
        : "";
}
