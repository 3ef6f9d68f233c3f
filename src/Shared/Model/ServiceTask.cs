using Berth.Model.Networks;

namespace Berth.Model;

/// <summary>One attempt in one slot of a service, on one node. Never restarted: it is replaced by another task.</summary>
public sealed record ServiceTask
{
    /// <summary>Its id.</summary>
    public required TaskId Id { get; init; }
    /// <summary>Index of the commit that last changed it; reports of an agent alone do not.</summary>
    public long Version { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>The service it belongs to.</summary>
    public required ServiceId ServiceId { get; init; }
    /// <summary>Slot of a replicated service, from 1; 0 in a global one, whose slot is the node.</summary>
    public int Slot { get; init; }
    /// <summary>Where it runs; null until it is scheduled.</summary>
    public NodeId? NodeId { get; init; }
    /// <summary>Which of the service's task specs it was made from.</summary>
    public required long SpecVersion { get; init; }
    /// <summary>That task spec; shared by all tasks made from it.</summary>
    public required TaskSpec Spec { get; init; }
    /// <summary>What it is to become: <see cref="TaskState.Ready"/>, <see cref="TaskState.Running"/>,
    /// <see cref="TaskState.Shutdown"/> or <see cref="TaskState.Remove"/>; never goes back.</summary>
    public required TaskState DesiredState { get; init; }
    /// <summary>For people: why it was told to stop; empty when it was not, or had ended by itself before.</summary>
    public string StopReason { get; init; } = "";
    /// <summary>Quick failures in its slot just before it: 0 for a first or a long-lived predecessor. Backoff grows with it.</summary>
    public int Attempt { get; init; }
    /// <summary>Not desired to run before this instant (restart backoff); null when it need not wait.</summary>
    public DateTimeOffset? NotBefore { get; init; }
    /// <summary>What is known of it.</summary>
    public required ServiceTaskStatus Status { get; init; }

    /// <summary>How far it has come.</summary>
    public TaskState State => Status.State;

    /// <summary>Whether it is meant to run and has not ended.</summary>
    public bool IsLive => DesiredState <= TaskState.Running && !State.IsTerminal();
}

/// <summary>What an agent, or the manager, last said of a task. Field names follow Docker's <c>TaskStatus</c>.</summary>
public sealed record ServiceTaskStatus
{
    /// <summary>How far it has come.</summary>
    public required TaskState State { get; init; }
    /// <summary>When it came there, by the manager's clock (agents report ages, not instants).</summary>
    public required DateTimeOffset Timestamp { get; init; }
    /// <summary>For people: what it does, or why it waits. Never empty while it does not run.</summary>
    public string Message { get; init; } = "";
    /// <summary>For people: why it failed; empty when it did not.</summary>
    public string Err { get; init; } = "";
    /// <summary>The engine's container id; empty before there is one.</summary>
    public string ContainerId { get; init; } = "";
    /// <summary>Process id on its node; 0 when it does not run.</summary>
    public int Pid { get; init; }
    /// <summary>Exit code; null while it has none.</summary>
    public int? ExitCode { get; init; }
    /// <summary>Whether the kernel ended it for want of memory.</summary>
    public bool OomKilled { get; init; }
    /// <summary>Ports the engine published for it, also those it chose itself.</summary>
    public ValueList<PortConfig> Ports { get; init; }
    /// <summary>Its addresses in the cluster's networks: its agent chose them.</summary>
    public ValueList<TaskAddress> Addresses { get; init; }
    /// <summary>When it came to run, and was healthy where it has a health check, by the manager's clock; null before. An
    /// ended task keeps it: how long a task ran decides about backoff and about the monitor time.</summary>
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>This status as the successor of <paramref name="earlier"/>: it keeps since when the task ran, which agents
    /// need not repeat.</summary>
    public ServiceTaskStatus After(ServiceTaskStatus earlier) => RunningSince is not null
        ? this
        : this with { RunningSince = earlier.RunningSince ?? (State == TaskState.Running ? Timestamp : null) };
}
