using Berth.Agent.Engine;
using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>What the keeper's loop takes in, one after another. Closed: the cases below are all there are.</summary>
public abstract record KeeperInput
{
    private KeeperInput() { }

    /// <summary>A manager sent assignments.</summary>
    public sealed record Assigned(AssignmentChange Change) : KeeperInput;

    /// <summary>The engine is connected, and this is all it has of this node's containers.</summary>
    /// <param name="Containers">Its list.</param>
    /// <param name="AsOf">Timestamp from before the list was asked for; what tasks learned later is newer.</param>
    public sealed record EngineListed(IReadOnlyList<ListedContainer> Containers, long AsOf) : KeeperInput;

    /// <summary>The engine is gone; nothing is begun until it was listed again.</summary>
    public sealed record EngineLost : KeeperInput;

    /// <summary>Something happened to a container.</summary>
    public sealed record Happened(EngineEvent Event) : KeeperInput;

    /// <summary>A step came to its end.</summary>
    public sealed record StepEnded(TaskId Task, TaskStep Step, StepOutcome Outcome) : KeeperInput;

    /// <summary>A step waits for something.</summary>
    public sealed record StepSays(TaskId Task, string Message) : KeeperInput;

    /// <summary>A container without a task was removed, or could not be.</summary>
    public sealed record UnknownRemoved(string Container) : KeeperInput;

    /// <summary>No manager could be reached for a while: what ends is restarted here.</summary>
    public sealed record ManagersAway : KeeperInput;

    /// <summary>A registration is about to be made: from here on nothing is restarted here, so that it says all there is.</summary>
    /// <param name="Settled">Completes once the board shows everything up to here.</param>
    public sealed record Registering(TaskCompletionSource Settled) : KeeperInput;

    /// <summary>A manager has taken this agent in: it hears of what ends.</summary>
    public sealed record SessionBegan : KeeperInput;

    /// <summary>The session is over.</summary>
    /// <param name="LastHeard">Timestamp up to which the manager surely heard this agent.</param>
    public sealed record SessionEnded(long LastHeard) : KeeperInput;

    /// <summary>A local restart may be due.</summary>
    public sealed record RestartDue : KeeperInput;

    /// <summary>It is time to save statuses that changed.</summary>
    public sealed record SaveDue : KeeperInput;
}
