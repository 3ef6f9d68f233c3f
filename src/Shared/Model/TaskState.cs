namespace Berth.Model;

/// <summary>How far a task has come. A task's state only ever grows; the numbers are swarmkit's.</summary>
public enum TaskState
{
    /// <summary>Made by orchestration; nothing decided yet.</summary>
    New = 0,
    /// <summary>Waits for a node.</summary>
    Pending = 64,
    /// <summary>A node has been chosen; its agent has not accepted it yet.</summary>
    Assigned = 192,
    /// <summary>The agent has it, durably.</summary>
    Accepted = 256,
    /// <summary>The image is being pulled, the container created.</summary>
    Preparing = 320,
    /// <summary>The container exists; it starts once that is desired.</summary>
    Ready = 384,
    /// <summary>Started, and not healthy yet where it has a health check.</summary>
    Starting = 448,
    /// <summary>Runs, and is healthy where it has a health check.</summary>
    Running = 512,
    /// <summary>Ended by itself with exit code 0.</summary>
    Complete = 576,
    /// <summary>Stopped because that was desired.</summary>
    Shutdown = 640,
    /// <summary>Ended at or after starting: non-zero exit, out of memory, unhealthy.</summary>
    Failed = 704,
    /// <summary>Could not be prepared: no image, bad mount, port taken.</summary>
    Rejected = 768,
    /// <summary>Only ever desired: stop it, then forget it.</summary>
    Remove = 800,
    /// <summary>Its node is gone for good; its fate is unknown.</summary>
    Orphaned = 832,
}

/// <summary>What the ordering of <see cref="TaskState"/> means.</summary>
public static class TaskStates
{
    /// <summary>Whether a task in this state has ended and never runs again.</summary>
    public static bool IsTerminal(this TaskState state) => state >= TaskState.Complete;

    /// <summary>Docker's lower-case word for the state, as in <c>docker service ps</c>.</summary>
    public static string Word(this TaskState state) => state switch
    {
        TaskState.New => "new",
        TaskState.Pending => "pending",
        TaskState.Assigned => "assigned",
        TaskState.Accepted => "accepted",
        TaskState.Preparing => "preparing",
        TaskState.Ready => "ready",
        TaskState.Starting => "starting",
        TaskState.Running => "running",
        TaskState.Complete => "complete",
        TaskState.Shutdown => "shutdown",
        TaskState.Failed => "failed",
        TaskState.Rejected => "rejected",
        TaskState.Remove => "remove",
        TaskState.Orphaned => "orphaned",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "not a task state"),
    };
}
