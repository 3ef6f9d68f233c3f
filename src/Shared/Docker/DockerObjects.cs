namespace Berth.Docker;

/// <summary>Docker's object version: the index of the commit that last changed it.</summary>
public sealed record DockerVersion(long Index);

/// <summary>Docker's <c>Service</c>, as <c>docker service inspect</c> shows it.</summary>
public sealed record DockerService
{
    /// <summary>25 characters.</summary>
    public required string ID { get; init; }
    /// <summary>For optimistic updates.</summary>
    public required DockerVersion Version { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTime CreatedAt { get; init; }
    /// <summary>When it was last changed.</summary>
    public required DateTime UpdatedAt { get; init; }
    /// <summary>What is wanted.</summary>
    public required DockerServiceSpec Spec { get; init; }
    /// <summary>What was wanted before.</summary>
    public DockerServiceSpec? PreviousSpec { get; init; }
    /// <summary>Published ports.</summary>
    public required DockerEndpoint Endpoint { get; init; }
    /// <summary>How the last change of spec went.</summary>
    public DockerUpdateStatus? UpdateStatus { get; init; }
    /// <summary>Running and wanted tasks; as with <c>GET /services?status=true</c>.</summary>
    public DockerServiceStatus? ServiceStatus { get; init; }
}

/// <summary>Docker's <c>ServiceStatus</c>.</summary>
public sealed record DockerServiceStatus(int RunningTasks, int DesiredTasks);

/// <summary>Docker's <c>Endpoint</c>.</summary>
public sealed record DockerEndpoint
{
    /// <summary>As in the spec.</summary>
    public required DockerEndpointSpec Spec { get; init; }
    /// <summary>Published ports.</summary>
    public IReadOnlyList<DockerPort>? Ports { get; init; }
    /// <summary>Its address in each of its networks.</summary>
    public IReadOnlyList<DockerVirtualIP>? VirtualIPs { get; init; }
}

/// <summary>Docker's <c>EndpointVirtualIP</c>.</summary>
public sealed record DockerVirtualIP(string NetworkID, string Addr);

/// <summary>Docker's <c>NetworkAttachment</c>, of a task.</summary>
public sealed record DockerAttachment(string NetworkID, IReadOnlyList<string> Addresses);

/// <summary>What a node does for networks of the cluster.</summary>
public sealed record DockerNetworking(string Way, string? Problem, int? Number, IReadOnlyList<string>? Slices);

/// <summary>Docker's <c>UpdateStatus</c>.</summary>
public sealed record DockerUpdateStatus
{
    /// <summary><c>updating</c>, <c>paused</c>, <c>completed</c>, <c>rollback_started</c>, <c>rollback_paused</c>, <c>rollback_completed</c>.</summary>
    public required string State { get; init; }
    /// <summary>When it began.</summary>
    public DateTime? StartedAt { get; init; }
    /// <summary>When it ended or paused.</summary>
    public DateTime? CompletedAt { get; init; }
    /// <summary>For people.</summary>
    public required string Message { get; init; }
}

/// <summary>Docker's <c>Task</c>.</summary>
public sealed record DockerTask
{
    /// <summary>25 characters.</summary>
    public required string ID { get; init; }
    /// <summary>For optimistic updates.</summary>
    public required DockerVersion Version { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTime CreatedAt { get; init; }
    /// <summary>When its status last changed.</summary>
    public required DateTime UpdatedAt { get; init; }
    /// <summary>SERVICE.SLOT; Docker leaves it empty.</summary>
    public required string Name { get; init; }
    /// <summary>What it runs.</summary>
    public required DockerTaskSpec Spec { get; init; }
    /// <summary>Its service.</summary>
    public required string ServiceID { get; init; }
    /// <summary>Slot of a replicated service.</summary>
    public int? Slot { get; init; }
    /// <summary>Where it runs.</summary>
    public string? NodeID { get; init; }
    /// <summary>How far it has come.</summary>
    public required DockerTaskStatus Status { get; init; }
    /// <summary>Its addresses in networks of the cluster.</summary>
    public IReadOnlyList<DockerAttachment>? NetworksAttachments { get; init; }
    /// <summary>What it is to become.</summary>
    public required string DesiredState { get; init; }
}

/// <summary>Docker's <c>TaskStatus</c>.</summary>
public sealed record DockerTaskStatus
{
    /// <summary>When it came to this state.</summary>
    public required DateTime Timestamp { get; init; }
    /// <summary>Docker's word.</summary>
    public required string State { get; init; }
    /// <summary>For people.</summary>
    public required string Message { get; init; }
    /// <summary>Why it failed.</summary>
    public string? Err { get; init; }
    /// <summary>Its container.</summary>
    public DockerContainerStatus? ContainerStatus { get; init; }
    /// <summary>Ports published for it.</summary>
    public required DockerPortStatus PortStatus { get; init; }
}

/// <summary>Docker's <c>ContainerStatus</c>.</summary>
public sealed record DockerContainerStatus(string ContainerID, int PID, int? ExitCode);

/// <summary>Docker's <c>PortStatus</c>.</summary>
public sealed record DockerPortStatus(IReadOnlyList<DockerPort>? Ports);

/// <summary>Docker's <c>Node</c>.</summary>
public sealed record DockerNode
{
    /// <summary>25 characters.</summary>
    public required string ID { get; init; }
    /// <summary>For optimistic updates.</summary>
    public required DockerVersion Version { get; init; }
    /// <summary>When it first registered.</summary>
    public required DateTime CreatedAt { get; init; }
    /// <summary>When it was last changed.</summary>
    public required DateTime UpdatedAt { get; init; }
    /// <summary>What people decided about it.</summary>
    public required DockerNodeSpec Spec { get; init; }
    /// <summary>What its agent says of it.</summary>
    public required DockerNodeDescription Description { get; init; }
    /// <summary>Whether it can be reached.</summary>
    public required DockerNodeStatus Status { get; init; }
    /// <summary>How its containers come into networks of the cluster; null where its agent says nothing of it.</summary>
    public DockerNetworking? Networking { get; init; }
}

/// <summary>Docker's <c>NodeSpec</c>.</summary>
public sealed record DockerNodeSpec(IReadOnlyDictionary<string, string> Labels, string Role, string Availability);

/// <summary>Docker's <c>NodeDescription</c>.</summary>
public sealed record DockerNodeDescription(string Hostname, DockerPlatform Platform, DockerResources Resources, DockerEngine Engine);

/// <summary>Docker's <c>Platform</c>.</summary>
public sealed record DockerPlatform(string Architecture, string OS);

/// <summary>Docker's <c>EngineDescription</c>.</summary>
public sealed record DockerEngine(string EngineVersion, IReadOnlyDictionary<string, string>? Labels);

/// <summary>Docker's <c>NodeStatus</c>.</summary>
public sealed record DockerNodeStatus(string State, string? Message, string Addr);
