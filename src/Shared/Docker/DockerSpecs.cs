namespace Berth.Docker;

/// <summary>Docker's <c>ServiceSpec</c>.</summary>
public sealed record DockerServiceSpec
{
    /// <summary>Unique in the cluster.</summary>
    public required string Name { get; init; }
    /// <summary>Labels of the service.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }
    /// <summary>What each task runs.</summary>
    public required DockerTaskSpec TaskTemplate { get; init; }
    /// <summary>How many tasks.</summary>
    public required DockerMode Mode { get; init; }
    /// <summary>How a change is rolled out.</summary>
    public DockerUpdateConfig? UpdateConfig { get; init; }
    /// <summary>How a rollback is rolled out.</summary>
    public DockerUpdateConfig? RollbackConfig { get; init; }
    /// <summary>Published ports.</summary>
    public DockerEndpointSpec? EndpointSpec { get; init; }
}

/// <summary>Docker's <c>TaskSpec</c>.</summary>
public sealed record DockerTaskSpec
{
    /// <summary>The container.</summary>
    public required DockerContainerSpec ContainerSpec { get; init; }
    /// <summary>Limits and reservations.</summary>
    public DockerResourceRequirements? Resources { get; init; }
    /// <summary>What happens when a task ends.</summary>
    public DockerRestartPolicy? RestartPolicy { get; init; }
    /// <summary>Where it may run.</summary>
    public DockerPlacement? Placement { get; init; }
    /// <summary>The network joined, when it is not the engine's default bridge.</summary>
    public IReadOnlyList<DockerNetwork>? Networks { get; init; }
    /// <summary>Counts forced updates.</summary>
    public long ForceUpdate { get; init; }
    /// <summary>Always <c>container</c>.</summary>
    public string Runtime { get; init; } = "container";
}

/// <summary>Docker's <c>ContainerSpec</c>.</summary>
public sealed record DockerContainerSpec
{
    /// <summary>As written.</summary>
    public required string Image { get; init; }
    /// <summary>Labels of the containers.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
    /// <summary>Replaces the image's entrypoint.</summary>
    public IReadOnlyList<string>? Command { get; init; }
    /// <summary>Replaces the image's command.</summary>
    public IReadOnlyList<string>? Args { get; init; }
    /// <summary>Host name inside.</summary>
    public string? Hostname { get; init; }
    /// <summary><c>KEY=value</c>.</summary>
    public IReadOnlyList<string>? Env { get; init; }
    /// <summary>Working directory.</summary>
    public string? Dir { get; init; }
    /// <summary>User and group.</summary>
    public string? User { get; init; }
    /// <summary>Whether there is an init process; null is the engine's default.</summary>
    public bool? Init { get; init; }
    /// <summary>Asks the container to stop.</summary>
    public string? StopSignal { get; init; }
    /// <summary>Whether a pseudo terminal is attached.</summary>
    public bool? TTY { get; init; }
    /// <summary>Whether stdin stays open.</summary>
    public bool? OpenStdin { get; init; }
    /// <summary>Whether the root file system is read-only.</summary>
    public bool? ReadOnly { get; init; }
    /// <summary>Volumes, binds and tmpfs.</summary>
    public IReadOnlyList<DockerMount>? Mounts { get; init; }
    /// <summary>Nanoseconds.</summary>
    public long? StopGracePeriod { get; init; }
    /// <summary>Replaces the image's check.</summary>
    public DockerHealthcheck? Healthcheck { get; init; }
    /// <summary>Added capabilities.</summary>
    public IReadOnlyList<string>? CapabilityAdd { get; init; }
    /// <summary>Dropped capabilities.</summary>
    public IReadOnlyList<string>? CapabilityDrop { get; init; }
}

/// <summary>Docker's <c>HealthConfig</c>; durations in nanoseconds.</summary>
public sealed record DockerHealthcheck
{
    /// <summary>How it is tested.</summary>
    public IReadOnlyList<string>? Test { get; init; }
    /// <summary>Between two probes.</summary>
    public long? Interval { get; init; }
    /// <summary>Of one probe.</summary>
    public long? Timeout { get; init; }
    /// <summary>Failures in it do not count.</summary>
    public long? StartPeriod { get; init; }
    /// <summary>Consecutive failures.</summary>
    public int? Retries { get; init; }
}

/// <summary>Docker's <c>Mount</c>.</summary>
public sealed record DockerMount
{
    /// <summary><c>volume</c>, <c>bind</c> or <c>tmpfs</c>.</summary>
    public required string Type { get; init; }
    /// <summary>Volume name or host path.</summary>
    public string? Source { get; init; }
    /// <summary>Path in the container.</summary>
    public required string Target { get; init; }
    /// <summary>Whether it is read-only.</summary>
    public bool? ReadOnly { get; init; }
    /// <summary>Of a bind.</summary>
    public DockerBindOptions? BindOptions { get; init; }
    /// <summary>Of a volume.</summary>
    public DockerVolumeOptions? VolumeOptions { get; init; }
    /// <summary>Of a tmpfs.</summary>
    public DockerTmpfsOptions? TmpfsOptions { get; init; }
}

/// <summary>Docker's <c>BindOptions</c>.</summary>
public sealed record DockerBindOptions(string? Propagation);

/// <summary>Docker's <c>VolumeOptions</c>.</summary>
public sealed record DockerVolumeOptions(bool? NoCopy, IReadOnlyDictionary<string, string>? Labels, DockerDriver? DriverConfig);

/// <summary>Docker's <c>Driver</c>.</summary>
public sealed record DockerDriver(string? Name, IReadOnlyDictionary<string, string>? Options);

/// <summary>Docker's <c>TmpfsOptions</c>.</summary>
public sealed record DockerTmpfsOptions(long? SizeBytes);

/// <summary>Docker's <c>ResourceRequirements</c>.</summary>
public sealed record DockerResourceRequirements(DockerLimits? Limits, DockerResources? Reservations);

/// <summary>Docker's <c>Limit</c>.</summary>
public sealed record DockerLimits(long? NanoCPUs, long? MemoryBytes, long? Pids);

/// <summary>Docker's <c>Resources</c>.</summary>
public sealed record DockerResources(long? NanoCPUs, long? MemoryBytes);

/// <summary>Docker's <c>RestartPolicy</c>; durations in nanoseconds.</summary>
public sealed record DockerRestartPolicy(string Condition, long Delay, int MaxAttempts, long? Window);

/// <summary>Docker's <c>Placement</c>.</summary>
public sealed record DockerPlacement(IReadOnlyList<string>? Constraints, IReadOnlyList<DockerPreference>? Preferences, int? MaxReplicas);

/// <summary>Docker's <c>PlacementPreference</c>.</summary>
public sealed record DockerPreference(DockerSpread Spread);

/// <summary>Docker's <c>SpreadOver</c>.</summary>
public sealed record DockerSpread(string SpreadDescriptor);

/// <summary>Docker's <c>NetworkAttachmentConfig</c>.</summary>
public sealed record DockerNetwork(string Target)
{
    /// <summary>Names there besides the service's own.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }
    /// <summary>The address its one task has.</summary>
    public string? Ipv4Address { get; init; }
}

/// <summary>Docker's <c>ServiceMode</c>: one of the two is set.</summary>
public sealed record DockerMode(DockerReplicated? Replicated, DockerGlobal? Global);

/// <summary>Docker's <c>ReplicatedService</c>.</summary>
public sealed record DockerReplicated(int Replicas);

/// <summary>Docker's <c>GlobalService</c>.</summary>
public sealed record DockerGlobal;

/// <summary>Docker's <c>UpdateConfig</c>; durations in nanoseconds. <c>Order</c> is left out where Berth chooses it.</summary>
public sealed record DockerUpdateConfig(int Parallelism, long? Delay, string FailureAction, long Monitor, double MaxFailureRatio, string? Order);

/// <summary>Docker's <c>EndpointSpec</c>.</summary>
public sealed record DockerEndpointSpec
{
    /// <summary><c>dnsrr</c>, or <c>vip</c>.</summary>
    public string? Mode { get; init; }
    /// <summary>Published ports.</summary>
    public IReadOnlyList<DockerPort>? Ports { get; init; }
}

/// <summary>Docker's <c>PortConfig</c>.</summary>
public sealed record DockerPort(string Protocol, int TargetPort, int? PublishedPort, string PublishMode);
