using Berth.Model.Networks;

namespace Berth.Model;

/// <summary>A service as the cluster keeps it.</summary>
public sealed record Service
{
    /// <summary>Its id.</summary>
    public required ServiceId Id { get; init; }
    /// <summary>Index of the commit that last changed it: Docker's <c>Version.Index</c>.</summary>
    public long Version { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>What is wanted now.</summary>
    public required ServiceSpec Spec { get; init; }
    /// <summary>Names the current <see cref="ServiceSpec.Task"/>: tasks made from it carry the same number. A change that
    /// replaces no task (labels, replicas, update settings) keeps it, a rollback returns to the earlier number.</summary>
    public required long SpecVersion { get; init; }
    /// <summary>What was wanted before the last change; null when there is nothing to return to.</summary>
    public ServiceSpec? PreviousSpec { get; init; }
    /// <summary>The number of <see cref="PreviousSpec"/>'s task spec.</summary>
    public long PreviousSpecVersion { get; init; }
    /// <summary>The highest number ever given to a task spec of it: numbers are never used again, since agents keep specs
    /// by number.</summary>
    public long LastSpecVersion { get; init; }
    /// <summary>The rollout under way or the last one; null before the first.</summary>
    public Rollout? Rollout { get; init; }
    /// <summary>The trace of the command that last changed it, as W3C's <c>traceparent</c>; empty when it had none.</summary>
    public string Trace { get; init; } = "";
    /// <summary>What the cluster gave it: virtual addresses, and its published ports.</summary>
    public ServiceEndpoint Endpoint { get; init; } = ServiceEndpoint.None;
    /// <summary>Replicas of a replicated service; null for a global one.</summary>
    public int? Replicas => (Spec.Mode as ServiceMode.Replicated)?.Replicas;
    /// <summary>The trace that what is decided now belongs to: that of the last command, while it is fresh; else empty.</summary>
    /// <param name="now">When it is decided, by the leader's clock.</param>
    public string TraceAt(DateTimeOffset now) => Trace.Length > 0 && now - UpdatedAt < TraceTime ? Trace : "";
    // What a task does hours later has nothing to do with the command any more.
    private static readonly TimeSpan TraceTime = TimeSpan.FromMinutes(10);
    /// <summary>The stack it belongs to, from the label Docker uses; null for a service of its own.</summary>
    public string? Stack => Spec.Labels.TryGetValue(StackLabels.Namespace, out var stack) ? stack : null;
}

/// <summary>Labels by which Docker's tools know a stack's objects.</summary>
public static class StackLabels
{
    /// <summary>The stack's name.</summary>
    public const string Namespace = "com.docker.stack.namespace";
    /// <summary>The image as the stack file has it.</summary>
    public const string Image = "com.docker.stack.image";
}

/// <summary>How far a change of spec has come: Docker's <c>UpdateStatus</c>, and what must outlive the leader.</summary>
public sealed record Rollout
{
    /// <summary>Where it stands.</summary>
    public required RolloutState State { get; init; }
    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>When it ended or paused; null while it goes on.</summary>
    public DateTimeOffset? CompletedAt { get; init; }
    /// <summary>For people: how it goes, or why it stopped.</summary>
    public string Message { get; init; } = "";
    /// <summary>Slots that had to be replaced when it began: the base of the failure ratio.</summary>
    public int Slots { get; init; }
    /// <summary>Tasks of this rollout that failed; each counts once.</summary>
    public ValueList<TaskId> Failed { get; init; }
    /// <summary>When a slot last came to run the new spec; the progress deadline counts from here.</summary>
    public DateTimeOffset ProgressAt { get; init; }
}

/// <summary>Docker's update states.</summary>
public enum RolloutState
{
    /// <summary>Replacing tasks by the new spec.</summary>
    Updating = 1,
    /// <summary>Stopped after failures; a person decides.</summary>
    Paused = 2,
    /// <summary>Every slot runs the new spec, and did so for the monitor time.</summary>
    Completed = 3,
    /// <summary>Returning to the previous spec.</summary>
    RollbackStarted = 4,
    /// <summary>The return failed too.</summary>
    RollbackPaused = 5,
    /// <summary>Back at the previous spec.</summary>
    RollbackCompleted = 6,
}

/// <summary>A group of services deployed and removed together.</summary>
public sealed record Stack
{
    /// <summary>Its id.</summary>
    public required StackId Id { get; init; }
    /// <summary>Unique in the cluster; its services' names begin with <c>NAME_</c>.</summary>
    public required string Name { get; init; }
    /// <summary>Index of the commit that last changed it.</summary>
    public long Version { get; init; }
    /// <summary>When it was first deployed.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last deployed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>What a stack file asks for: the whole of it is deployed in one commit, or nothing is.</summary>
public sealed record StackSpec
{
    /// <summary>The stack's name.</summary>
    public required string Name { get; init; }
    /// <summary>Its services, with full names (<c>STACK_SERVICE</c>).</summary>
    public ValueList<ServiceSpec> Services { get; init; }
    /// <summary>Its networks, with full names; services name them so.</summary>
    public ValueList<NetworkSpec> Networks { get; init; }
}
