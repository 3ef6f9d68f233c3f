using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What is known of a task before its agent says anything.</summary>
internal static class TaskStatuses
{
    /// <summary>Of a task nobody has chosen a node for, or (global) nobody has found room for on its node.</summary>
    public static ServiceTaskStatus Pending(NodeId? node, DateTimeOffset at) => new()
    {
        State = TaskState.Pending,
        Timestamp = at,
        Message = node is null ? "waits for the scheduler" : "waits for its node to have room",
    };

    /// <summary>Of a task that has a node.</summary>
    public static ServiceTaskStatus Assigned(DateTimeOffset at) =>
        new() { State = TaskState.Assigned, Timestamp = at, Message = "waits for the node's agent" };
}
