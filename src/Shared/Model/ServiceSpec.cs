using Berth.Model.Networks;

namespace Berth.Model;

/// <summary>What a user wants of a service. Field names follow Docker's <c>ServiceSpec</c>.</summary>
public sealed record ServiceSpec
{
    /// <summary>Unique in the cluster, at most 63 characters; includes the <c>STACK_</c> prefix.</summary>
    public required string Name { get; init; }
    /// <summary>Labels of the service itself; its containers' labels are in <see cref="ContainerSpec.Labels"/>.</summary>
    public ValueMap Labels { get; init; } = ValueMap.Empty;
    /// <summary>What each task runs.</summary>
    public required TaskSpec Task { get; init; }
    /// <summary>How many tasks, and where.</summary>
    public ServiceMode Mode { get; init; } = new ServiceMode.Replicated(1);
    /// <summary>How a change of <see cref="Task"/> is rolled out.</summary>
    public UpdateConfig Update { get; init; } = new();
    /// <summary>How a rollback is rolled out.</summary>
    public UpdateConfig Rollback { get; init; } = new();
    /// <summary>How it is reached.</summary>
    public EndpointSpec Endpoint { get; init; } = EndpointSpec.Default;
}

/// <summary>How many tasks a service has. Closed: the cases below are all there are.</summary>
public abstract record ServiceMode
{
    private ServiceMode() { }

    /// <summary><paramref name="Replicas"/> numbered slots, each with one running task.</summary>
    public sealed record Replicated(int Replicas) : ServiceMode;

    /// <summary>One task on every node that may run it.</summary>
    public sealed record Global : ServiceMode;
}

/// <summary>What one task runs, and under which rules. A change here replaces tasks.</summary>
public sealed record TaskSpec
{
    /// <summary>The container.</summary>
    public required ContainerSpec Container { get; init; }
    /// <summary>Limits and reservations.</summary>
    public ResourceRequirements Resources { get; init; } = new();
    /// <summary>What happens when the task ends.</summary>
    public RestartPolicy Restart { get; init; } = new();
    /// <summary>Where it may run.</summary>
    public Placement Placement { get; init; } = new();
    /// <summary>Which network of its host the container joins; of no account when it is in <see cref="Networks"/>.</summary>
    public NetworkMode Network { get; init; } = NetworkMode.Bridge;
    /// <summary>Networks of the cluster it is in, by id in a stored spec.</summary>
    public ValueList<NetworkAttachment> Networks { get; init; }

    /// <summary>Ids of <see cref="Networks"/>; of a spec as it is stored, which names every network by its id.</summary>
    public IEnumerable<NetworkId> NetworkIds()
    {
        foreach (var attachment in Networks)
        {
            if (NetworkId.TryParse(attachment.Target, out var id))
                yield return id;
        }
    }

    /// <summary>Ports published on the task's own node (Docker's <c>mode: host</c>).</summary>
    public ValueList<PortConfig> Ports { get; init; }
    /// <summary>Counts forced updates: a higher number alone replaces every task.</summary>
    public long ForceUpdate { get; init; }
}

/// <summary>Which network of its host a container joins, when it is in none of the cluster's.</summary>
public enum NetworkMode
{
    /// <summary>The engine's default bridge.</summary>
    Bridge = 0,
    /// <summary>The node's own network.</summary>
    Host = 1,
    /// <summary>No network but loopback.</summary>
    None = 2,
}

/// <summary>A container as a user describes it. Field names follow Docker's <c>ContainerSpec</c>.</summary>
public sealed record ContainerSpec
{
    /// <summary>Image reference as written, such as <c>redis:7</c> or <c>repo@sha256:…</c>.</summary>
    public required string Image { get; init; }
    /// <summary>Replaces the image's entrypoint when not empty.</summary>
    public ValueList<string> Command { get; init; }
    /// <summary>Replaces the image's command when not empty.</summary>
    public ValueList<string> Args { get; init; }
    /// <summary><c>KEY=value</c>; a bare <c>KEY</c> removes the image's value.</summary>
    public ValueList<string> Env { get; init; }
    /// <summary>Labels of the containers.</summary>
    public ValueMap Labels { get; init; } = ValueMap.Empty;
    /// <summary>Host name inside the container; the engine's default when null.</summary>
    public string? Hostname { get; init; }
    /// <summary>Working directory; the image's when null.</summary>
    public string? Dir { get; init; }
    /// <summary><c>user[:group]</c>; the image's when null.</summary>
    public string? User { get; init; }
    /// <summary>Signal that asks the container to stop, such as <c>SIGINT</c>; the image's when null.</summary>
    public string? StopSignal { get; init; }
    /// <summary>From the stop signal to SIGKILL; 10 s when null.</summary>
    public TimeSpan? StopGracePeriod { get; init; }
    /// <summary>Replaces the image's health check when not null.</summary>
    public Healthcheck? Healthcheck { get; init; }
    /// <summary>Volumes, binds and tmpfs.</summary>
    public ValueList<Mount> Mounts { get; init; }
    /// <summary>Whether an init process reaps and forwards signals; the engine's default when null.</summary>
    public bool? Init { get; init; }
    /// <summary>Whether the root file system is read-only.</summary>
    public bool ReadOnly { get; init; }
    /// <summary>Whether a pseudo terminal is attached.</summary>
    public bool Tty { get; init; }
    /// <summary>Whether stdin stays open.</summary>
    public bool OpenStdin { get; init; }
    /// <summary>Capabilities added to the engine's default set, such as <c>NET_ADMIN</c>.</summary>
    public ValueList<string> CapAdd { get; init; }
    /// <summary>Capabilities removed from the engine's default set.</summary>
    public ValueList<string> CapDrop { get; init; }
}

/// <summary>Docker's <c>HealthConfig</c>. Null durations mean the image's or the engine's default.</summary>
public sealed record Healthcheck
{
    /// <summary>Empty: the image's test. <c>["NONE"]</c>: no check. Else <c>["CMD", …]</c> or <c>["CMD-SHELL", text]</c>.</summary>
    public ValueList<string> Test { get; init; }
    /// <summary>Between two probes; at least 1 ms.</summary>
    public TimeSpan? Interval { get; init; }
    /// <summary>Of one probe; at least 1 ms.</summary>
    public TimeSpan? Timeout { get; init; }
    /// <summary>Failures in the first so long do not count.</summary>
    public TimeSpan? StartPeriod { get; init; }
    /// <summary>Consecutive failures until unhealthy; 0 means the default.</summary>
    public int Retries { get; init; }
}

/// <summary>What is mounted into a container.</summary>
public sealed record Mount
{
    /// <summary>Volume, bind or tmpfs.</summary>
    public required MountType Type { get; init; }
    /// <summary>Volume name or absolute host path; empty for an anonymous volume and for tmpfs.</summary>
    public string Source { get; init; } = "";
    /// <summary>Absolute path in the container.</summary>
    public required string Target { get; init; }
    /// <summary>Whether it is mounted read-only.</summary>
    public bool ReadOnly { get; init; }
    /// <summary>Volume driver; the engine's local one when null.</summary>
    public string? Driver { get; init; }
    /// <summary>Options of the volume driver.</summary>
    public ValueMap DriverOptions { get; init; } = ValueMap.Empty;
    /// <summary>Labels given to the volume when it is created.</summary>
    public ValueMap VolumeLabels { get; init; } = ValueMap.Empty;
    /// <summary>Whether an empty volume is not filled from the image.</summary>
    public bool NoCopy { get; init; }
    /// <summary>Size limit of a tmpfs, bytes; 0 is unlimited.</summary>
    public long TmpfsBytes { get; init; }
    /// <summary>Bind propagation such as <c>rslave</c>; the engine's default when null.</summary>
    public string? Propagation { get; init; }
}

/// <summary>Kinds of mounts.</summary>
public enum MountType
{
    /// <summary>A volume of the engine's, made on first use.</summary>
    Volume = 0,
    /// <summary>A path of the host's.</summary>
    Bind = 1,
    /// <summary>Memory, gone with the container.</summary>
    Tmpfs = 2,
}

/// <summary>A port published on the task's node.</summary>
/// <param name="Target">Port in the container, 1–65535.</param>
/// <param name="Published">Port on the node; 0 lets the engine choose.</param>
/// <param name="Protocol">Tcp, udp or sctp.</param>
public sealed record PortConfig(int Target, int Published, PortProtocol Protocol = PortProtocol.Tcp);

/// <summary>Transport of a published port.</summary>
public enum PortProtocol
{
    /// <summary>TCP.</summary>
    Tcp = 0,
    /// <summary>UDP.</summary>
    Udp = 1,
    /// <summary>SCTP.</summary>
    Sctp = 2,
}

/// <summary>What a task may use at most and what is kept for it.</summary>
public sealed record ResourceRequirements
{
    /// <summary>The engine enforces these.</summary>
    public Limits Limits { get; init; } = new();
    /// <summary>The scheduler keeps these free; nothing enforces them.</summary>
    public Resources Reservations { get; init; }
}

/// <summary>Upper bounds; 0 is unlimited.</summary>
/// <param name="NanoCpus">Billionths of a core.</param>
/// <param name="MemoryBytes">Memory, bytes.</param>
/// <param name="Pids">Processes and threads.</param>
public sealed record Limits(long NanoCpus = 0, long MemoryBytes = 0, long Pids = 0);

/// <summary>An amount of a node's CPU and memory.</summary>
/// <param name="NanoCpus">Billionths of a core.</param>
/// <param name="MemoryBytes">Memory, bytes.</param>
public readonly record struct Resources(long NanoCpus = 0, long MemoryBytes = 0)
{
    /// <summary>The sum of both.</summary>
    public static Resources operator +(Resources left, Resources right) =>
        new(left.NanoCpus + right.NanoCpus, left.MemoryBytes + right.MemoryBytes);

    /// <summary>What is left of <paramref name="left"/>.</summary>
    public static Resources operator -(Resources left, Resources right) =>
        new(left.NanoCpus - right.NanoCpus, left.MemoryBytes - right.MemoryBytes);
}

/// <summary>Whether and when an ended task is replaced.</summary>
public sealed record RestartPolicy
{
    /// <summary>Delay before the first replacement when the user names none.</summary>
    public static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(5);

    /// <summary>Which ends are followed by a replacement.</summary>
    public RestartCondition Condition { get; init; } = RestartCondition.Any;
    /// <summary>Before the first replacement; doubles with each quick failure (docs/restart.md).</summary>
    public TimeSpan Delay { get; init; } = DefaultDelay;
    /// <summary>Replacements per slot and spec version; 0 is unlimited.</summary>
    public int MaxAttempts { get; init; }
    /// <summary>Only replacements within this time count towards <see cref="MaxAttempts"/>; zero counts all.</summary>
    public TimeSpan Window { get; init; }
}

/// <summary>When an ended task is replaced.</summary>
public enum RestartCondition
{
    /// <summary>Always.</summary>
    Any = 0,
    /// <summary>Unless it completed with exit code 0.</summary>
    OnFailure = 1,
    /// <summary>Never.</summary>
    None = 2,
}

/// <summary>Where tasks may run.</summary>
public sealed record Placement
{
    /// <summary>All must hold.</summary>
    public ValueList<Constraint> Constraints { get; init; }
    /// <summary>Node attributes over whose values tasks are spread, most important first, such as <c>node.labels.zone</c>.</summary>
    public ValueList<string> Spread { get; init; }
    /// <summary>Tasks of the service on one node at most; 0 is unlimited.</summary>
    public int MaxReplicasPerNode { get; init; }
}

/// <summary>How a new spec reaches the tasks.</summary>
public sealed record UpdateConfig
{
    /// <summary>Slots replaced at the same time; 0 is all.</summary>
    public int Parallelism { get; init; } = 1;
    /// <summary>After a slot's replacement, before the next slot.</summary>
    public TimeSpan Delay { get; init; }
    /// <summary>What happens when too many replacements fail.</summary>
    public FailureAction FailureAction { get; init; } = FailureAction.Pause;
    /// <summary>A replacement that fails this soon after it ran counts as failed.</summary>
    public TimeSpan Monitor { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Share of failed slots, 0–1, above which <see cref="FailureAction"/> is taken.</summary>
    public double MaxFailureRatio { get; init; }
    /// <summary>Which goes first.</summary>
    public UpdateOrder Order { get; init; } = UpdateOrder.Auto;
}

/// <summary>What happens when too many replacements fail.</summary>
public enum FailureAction
{
    /// <summary>Stop there and wait for a person.</summary>
    Pause = 0,
    /// <summary>Go on.</summary>
    Continue = 1,
    /// <summary>Return to the previous spec.</summary>
    Rollback = 2,
}

/// <summary>Which of the old and the new task goes first.</summary>
public enum UpdateOrder
{
    /// <summary>Start-first, but stop-first where the two cannot run side by side (fixed ports, volumes).</summary>
    Auto = 0,
    /// <summary>The old task stops once the new one is placed and its image pulled.</summary>
    StopFirst = 1,
    /// <summary>The old task stops once the new one runs.</summary>
    StartFirst = 2,
}
