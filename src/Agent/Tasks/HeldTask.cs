using Berth.Agent.Engine;
using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>What the tasks of one service and spec version have in common.</summary>
public sealed record TaskTemplate
{
    /// <summary>The service's id, as written.</summary>
    public required string ServiceId { get; init; }
    /// <summary>The service's name.</summary>
    public required string ServiceName { get; init; }
    /// <summary>Which of the service's task specs it is.</summary>
    public long SpecVersion { get; init; }
    /// <summary>What each task runs.</summary>
    public required TaskSpec Spec { get; init; }
}

/// <summary>A task that a manager gave to this node.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Slot">Its slot; 0 in a global service.</param>
/// <param name="Template">What it runs.</param>
/// <param name="Desired">What it is to become.</param>
/// <param name="Known">How far the manager knows it to have come.</param>
public sealed record TaskAssignment(TaskId Id, int Slot, TaskTemplate Template, TaskState Desired, TaskState Known)
{
    /// <summary>Quick failures in its slot just before it.</summary>
    public int Attempt { get; init; }
    /// <summary>The trace of the command it was made for; empty when it had none. Not kept over a restart of the agent.</summary>
    public string Trace { get; init; } = "";
}

/// <summary>Where an attempt comes from that this agent made itself while no manager was there, and that none has taken over.</summary>
/// <param name="Root">The managers' task in whose slot it is.</param>
/// <param name="Generation">Its place in the row that follows the root, from 1.</param>
/// <param name="Made">When it was made, by this host's clock.</param>
/// <param name="Starts">When its backoff ends; null once it was told to run.</param>
public sealed record LocalOrigin(TaskId Root, int Generation, DateTimeOffset Made, DateTimeOffset? Starts);

/// <summary>A set of assignments, or a change of them.</summary>
/// <param name="IsFull">Whether tasks it does not name are to go.</param>
/// <param name="Tasks">Tasks to hold, or to hold differently.</param>
/// <param name="Removed">Tasks to stop and forget.</param>
public sealed record AssignmentChange(bool IsFull, IReadOnlyList<TaskAssignment> Tasks, IReadOnlyList<TaskId> Removed);

/// <summary>A task as this agent holds it: what is wanted, and what is known. Everything decided about it follows from this.</summary>
public sealed record HeldTask
{
    /// <summary>What is wanted.</summary>
    public required TaskAssignment Assignment { get; init; }
    /// <summary>What is known, as it is reported.</summary>
    public required ServiceTaskStatus Status { get; init; }
    /// <summary>How far its container has come.</summary>
    public ContainerPhase Phase { get; init; }
    /// <summary>Whether the managers forgot it: its container is stopped and deleted, then it is forgotten here too.</summary>
    public bool IsDropped { get; init; }
    /// <summary>What the last failed probe said, once its health check called it unhealthy; null before.</summary>
    public string? Unhealthy { get; init; }
    /// <summary>Set on an attempt that this agent made itself; null on the managers' tasks.</summary>
    public LocalOrigin? Local { get; init; }
    /// <summary>Whether it ended by itself and no manager has heard of it: nobody else decides what follows.</summary>
    public bool EndedUnheard { get; init; }

    /// <summary>Its id.</summary>
    public TaskId Id => Assignment.Id;

    /// <summary>How far it has come.</summary>
    public TaskState State => Status.State;

    /// <summary>Its container's id; empty when it has none.</summary>
    public string ContainerId => Status.ContainerId;
}
