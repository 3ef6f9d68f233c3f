using System.Net;
using Berth.Model;

namespace Berth.Agent.Engine;

/// <summary>What an engine says of itself and its host.</summary>
public sealed record EngineFacts
{
    /// <summary>Such as <c>20.10.24</c>.</summary>
    public required string Version { get; init; }
    /// <summary>The API version agreed on, such as <c>1.41</c>.</summary>
    public required string ApiVersion { get; init; }
    /// <summary>Such as <c>linux</c>.</summary>
    public required string Os { get; init; }
    /// <summary>Raw machine name, such as <c>x86_64</c>.</summary>
    public required string Architecture { get; init; }
    /// <summary>All CPU and memory the engine sees.</summary>
    public required Resources Capacity { get; init; }
    /// <summary>The engine's own labels.</summary>
    public ValueMap Labels { get; init; } = ValueMap.Empty;
    /// <summary>Whether containers outlive the engine's daemon.</summary>
    public bool LiveRestore { get; init; }
    /// <summary>Whether the engine is a member of a Docker swarm.</summary>
    public bool SwarmActive { get; init; }
    /// <summary>Names of the runtimes it can start containers with.</summary>
    public ValueList<string> Runtimes { get; init; }
}

/// <summary>A container to create.</summary>
/// <param name="Name">Its name in the engine.</param>
/// <param name="Spec">What it runs.</param>
/// <param name="Labels">All its labels.</param>
public sealed record ContainerRequest(string Name, TaskSpec Spec, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>Set for a container in networks of the cluster: the agent makes its network namespace before it is started.</summary>
    public ContainerNetworking? Networking { get; init; }
}

/// <summary>How a container in networks of the cluster is created.</summary>
/// <param name="Runtime">The runtime that puts it into the agent's namespace.</param>
/// <param name="Hostname">Its host name, where its spec names none.</param>
/// <param name="Address">The address that its own name stands for.</param>
/// <param name="Resolver">Its name server.</param>
public sealed record ContainerNetworking(string Runtime, string Hostname, IPAddress Address, IPAddress Resolver);

/// <summary>How far a container has come.</summary>
public enum ContainerPhase
{
    /// <summary>There is none.</summary>
    None = 0,
    /// <summary>Created, never started.</summary>
    Created = 1,
    /// <summary>Its process lives (also when paused).</summary>
    Running = 2,
    /// <summary>Its process ended.</summary>
    Exited = 3,
}

/// <summary>What a container's health check says.</summary>
public enum ContainerHealth
{
    /// <summary>It has none.</summary>
    None = 0,
    /// <summary>Not decided yet.</summary>
    Starting = 1,
    /// <summary>The last probe was good.</summary>
    Healthy = 2,
    /// <summary>Too many probes failed.</summary>
    Unhealthy = 3,
}

/// <summary>What is true of one container.</summary>
public sealed record ContainerFacts
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }
    /// <summary>How far it has come.</summary>
    public required ContainerPhase Phase { get; init; }
    /// <summary>Process id on the host; 0 when it does not run.</summary>
    public int Pid { get; init; }
    /// <summary>When it was last started, by the host's clock; null when it never was.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>Exit code of a container that ended, or that could not be started.</summary>
    public int ExitCode { get; init; }
    /// <summary>Whether the kernel killed one of its processes for want of memory.</summary>
    public bool OomKilled { get; init; }
    /// <summary>The engine's own words about a failed start or end; empty when there are none.</summary>
    public string Error { get; init; } = "";
    /// <summary>What its health check says.</summary>
    public ContainerHealth Health { get; init; }
    /// <summary>Output of the last failed probe.</summary>
    public string ProbeOutput { get; init; } = "";
    /// <summary>Published ports, also those the engine chose.</summary>
    public ValueList<PortConfig> Ports { get; init; }
    /// <summary>Its task label; empty when it has none.</summary>
    public string Task { get; init; } = "";
}

/// <summary>A container as the engine's list shows it: cheap, and enough to see what changed.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Phase">How far it has come.</param>
/// <param name="Health">What its health check says, as far as the list tells.</param>
/// <param name="Labels">Its labels.</param>
public sealed record ListedContainer(string Id, ContainerPhase Phase, ContainerHealth Health, IReadOnlyDictionary<string, string> Labels);

/// <summary>Something happened to a container.</summary>
/// <param name="Container">Its id.</param>
/// <param name="Kind">What.</param>
/// <param name="Labels">The container's labels, as the engine repeats them in events.</param>
public sealed record EngineEvent(string Container, EngineEventKind Kind, IReadOnlyDictionary<string, string> Labels);

/// <summary>Events the agent listens to.</summary>
public enum EngineEventKind
{
    /// <summary>Its process ended.</summary>
    Died = 0,
    /// <summary>It was deleted.</summary>
    Destroyed = 1,
    /// <summary>Its health check says healthy.</summary>
    Healthy = 2,
    /// <summary>Its health check says unhealthy.</summary>
    Unhealthy = 3,
}

/// <summary>Which part of a log.</summary>
/// <param name="Tty">Whether the container has a terminal: its log has one stream then.</param>
/// <param name="Tail">Lines from the end; -1 is all.</param>
/// <param name="Since">Only lines from this instant on; null is the beginning.</param>
/// <param name="Follow">Whether to go on until the container ends.</param>
public sealed record LogRequest(bool Tty, int Tail, DateTimeOffset? Since, bool Follow);

/// <summary>One line of a log.</summary>
/// <param name="Time">When it was written, by the host's clock.</param>
/// <param name="IsStderr">Which stream.</param>
/// <param name="Text">Without its line end.</param>
public sealed record LogEntry(DateTimeOffset Time, bool IsStderr, ReadOnlyMemory<byte> Text);

/// <summary>A command to run in a container.</summary>
public sealed record ExecRequest
{
    /// <summary>The command and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }
    /// <summary>Environment, <c>KEY=value</c>.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];
    /// <summary>Whether it gets a terminal.</summary>
    public bool Tty { get; init; }
    /// <summary>Whether its stdin is connected.</summary>
    public bool Stdin { get; init; }
    /// <summary><c>user[:group]</c>; the container's when empty.</summary>
    public string User { get; init; } = "";
    /// <summary>Working directory; the container's when empty.</summary>
    public string Dir { get; init; } = "";
}
