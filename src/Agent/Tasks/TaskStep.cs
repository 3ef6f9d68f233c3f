using Berth.Agent.Engine;
using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>What to do for a task next.</summary>
public enum TaskStep
{
    /// <summary>Nothing: it is where it should be, or its container will be heard of.</summary>
    None = 0,
    /// <summary>Get the image, create the container.</summary>
    Prepare = 1,
    /// <summary>Start the container.</summary>
    Start = 2,
    /// <summary>Ask the engine what is true of the container.</summary>
    Inspect = 3,
    /// <summary>Stop the container by its signal and grace time.</summary>
    Stop = 4,
    /// <summary>Delete the container.</summary>
    Remove = 5,
    /// <summary>Call it shut down: nothing of it runs.</summary>
    Abandon = 6,
    /// <summary>Call it failed: its container is gone.</summary>
    Lose = 7,
    /// <summary>Drop it from memory.</summary>
    Forget = 8,
}

/// <summary>The one place that says how a task advances.</summary>
public static class TaskSteps
{
    /// <summary>The next step for a task.</summary>
    public static TaskStep Next(HeldTask task) =>
        Next(task.Assignment.Desired, task.State, task.Phase, task.IsDropped, task.Unhealthy is not null);

    /// <summary>The next step, from what is wanted and what is true.</summary>
    /// <param name="desired">What the task is to become.</param>
    /// <param name="observed">How far it has come.</param>
    /// <param name="phase">How far its container has come.</param>
    /// <param name="dropped">Whether the managers forgot it.</param>
    /// <param name="unhealthy">Whether its health check gave it up.</param>
    public static TaskStep Next(TaskState desired, TaskState observed, ContainerPhase phase, bool dropped, bool unhealthy)
    {
        if (dropped)
            return phase switch { ContainerPhase.Running => TaskStep.Stop, ContainerPhase.None => TaskStep.Forget, _ => TaskStep.Remove };

        // A finished task never runs again; should its container run all the same, it is stopped.
        if (observed.IsTerminal())
            return phase == ContainerPhase.Running ? TaskStep.Stop : TaskStep.None;

        return (phase, desired) switch
        {
            (ContainerPhase.Exited, _) => TaskStep.Inspect,
            (ContainerPhase.Running, >= TaskState.Shutdown) => TaskStep.Stop,
            (ContainerPhase.Running, _) => unhealthy ? TaskStep.Stop : TaskStep.None,
            (_, >= TaskState.Shutdown) => TaskStep.Abandon,
            (ContainerPhase.Created, >= TaskState.Running) => TaskStep.Start,
            (ContainerPhase.Created, _) => TaskStep.None,
            (ContainerPhase.None, _) when observed >= TaskState.Starting => TaskStep.Lose,
            _ => TaskStep.Prepare,
        };
    }
}
