using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>How far a service is from what is wanted.</summary>
public sealed record ServiceProgress
{
    /// <summary>The verdict in one word.</summary>
    public required ProgressVerdict Verdict { get; init; }
    /// <summary>For people: what it waits for, or what went wrong; empty when it converged.</summary>
    public string Reason { get; init; } = "";
    /// <summary>Running tasks on nodes that are not down.</summary>
    public int Running { get; init; }
    /// <summary>Slots wanted: replicas, or nodes that a global service covers.</summary>
    public int Desired { get; init; }
    /// <summary>Slots that run the wanted spec, or completed it and are not to run again.</summary>
    public int Updated { get; init; }
    /// <summary>When time alone changes the verdict, if nothing else happens; null when it does not.</summary>
    public DateTimeOffset? AskAgainAt { get; init; }
}

/// <summary>Whether a service is as wanted; the numbers are the wire's.</summary>
public enum ProgressVerdict
{
    /// <summary>On its way.</summary>
    Converging = 0,
    /// <summary>Every slot runs the wanted spec and did so for the monitor time; no rollout is on its way.</summary>
    Converged = 1,
    /// <summary>A person must act: the update paused after failures, or every slot that is missing gave up.</summary>
    Paused = 2,
    /// <summary>Returning to the previous spec.</summary>
    RollingBack = 3,
    /// <summary>The last rollout was a rollback, and it is over.</summary>
    RolledBack = 4,
    /// <summary>The rollback failed too; a person must act.</summary>
    RollbackPaused = 5,
    /// <summary>The service is removed and its tasks are gone.</summary>
    Removed = 6,
}
