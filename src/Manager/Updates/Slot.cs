using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Updates;

/// <summary>Names a slot within its service: a number from 1, or in a global service the node.</summary>
/// <param name="Number">Slot number; 0 in a global service.</param>
/// <param name="Node">The node of a global service's slot; default else.</param>
public readonly record struct SlotKey(int Number, NodeId Node) : IComparable<SlotKey>
{
    /// <summary>The slot of <paramref name="task"/>.</summary>
    public static SlotKey Of(ServiceTask task) => task.Slot > 0 ? new(task.Slot, default) : new(0, task.NodeId ?? default);

    /// <summary>A numbered slot.</summary>
    public static SlotKey At(int number) => new(number, default);

    /// <summary>A node's slot in a global service.</summary>
    public static SlotKey On(NodeId node) => new(0, node);

    /// <inheritdoc/>
    public int CompareTo(SlotKey other) => Number != other.Number ? Number.CompareTo(other.Number) : Node.CompareTo(other.Node);
}

/// <summary>The tasks a slot has and had, oldest first.</summary>
/// <param name="Key">Which slot.</param>
/// <param name="Tasks">Never empty.</param>
public sealed record Slot(SlotKey Key, ImmutableArray<ServiceTask> Tasks)
{
    /// <summary>The last one made.</summary>
    public ServiceTask Newest => Tasks[^1];

    /// <summary>The one made just before <paramref name="task"/>; null when it was the first still known.</summary>
    public ServiceTask? Before(ServiceTask task)
    {
        for (var at = Tasks.Length - 1; at > 0; at--)
        {
            if (Tasks[at].Id == task.Id)
                return Tasks[at - 1];
        }
        return null;
    }
}

/// <summary>What tasks say of themselves, in the words the deciders use.</summary>
public static class TaskFacts
{
    /// <summary>It ended though nobody had told it to.</summary>
    public static bool EndedByItself(this ServiceTask task) =>
        task is { DesiredState: <= TaskState.Running, State: TaskState.Complete or TaskState.Shutdown or TaskState.Failed or TaskState.Rejected };

    /// <summary>It completed, and its restart policy asks for no more.</summary>
    public static bool IsFinished(this ServiceTask task) =>
        task.EndedByItself() && task.State == TaskState.Complete && task.Spec.Restart.Condition != RestartCondition.Any;

    /// <summary>It runs and is to run.</summary>
    public static bool Runs(this ServiceTask task) => task is { State: TaskState.Running, DesiredState: TaskState.Running };

    /// <summary>Since when it runs, or ran; null when it never did.</summary>
    public static DateTimeOffset? RanFrom(this ServiceTask task) =>
        task.Status.RunningSince ?? (task.State == TaskState.Running ? task.Status.Timestamp : null);

    /// <summary>How long an ended task ran; zero when it never did, or nobody knows.</summary>
    public static TimeSpan RanFor(this ServiceTask task) =>
        task.RanFrom() is { } from && task.Status.Timestamp > from ? task.Status.Timestamp - from : TimeSpan.Zero;

    /// <summary>Why it is where it is, in one phrase.</summary>
    public static string Why(this ServiceTask task)
    {
        var status = task.Status;
        if (status.Err.Length > 0)
            return status.Err;
        if (status.ExitCode is { } code and not 0 && !status.Message.Contains($"{code}", StringComparison.Ordinal))
            return $"exit code {code}";
        return status.Message.Length > 0 ? status.Message : status.State.Word();
    }
}
