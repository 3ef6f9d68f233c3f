using Berth.Protocol.V1;

namespace Berth.Docker;

/// <summary>Specs in Docker's shapes.</summary>
public static class DockerSpecMapper
{
    /// <summary>Docker's <c>ServiceSpec</c>.</summary>
    public static DockerServiceSpec ToDocker(this ServiceSpec spec) => new()
    {
        Name = spec.Name,
        Labels = Sorted(spec.Labels),
        TaskTemplate = spec.Task.ToDocker(),
        Mode = spec.ModeCase == ServiceSpec.ModeOneofCase.Global
            ? new DockerMode(null, new DockerGlobal())
            : new DockerMode(new DockerReplicated(spec.Replicated?.Replicas ?? 0), null),
        UpdateConfig = spec.Update is { } update ? UpdateConfig(update) : null,
        RollbackConfig = spec.Rollback is { } rollback ? UpdateConfig(rollback) : null,
        EndpointSpec = Endpoint(spec),
    };

    /// <summary>Docker's <c>TaskSpec</c>.</summary>
    public static DockerTaskSpec ToDocker(this TaskSpec spec) => new()
    {
        ContainerSpec = Container(spec.Container),
        Resources = new DockerResourceRequirements(
            Limits(spec.Limits), Resources(spec.Reservations)),
        RestartPolicy = spec.Restart is { } restart
            ? new DockerRestartPolicy(Word(restart.Condition), restart.DelayNs, restart.MaxAttempts, NotZero(restart.WindowNs))
            : null,
        Placement = Placement(spec.Placement),
        Networks = spec.Networks.Count > 0 ? [.. spec.Networks.Select(Network)] : spec.Network switch
        {
            NetworkMode.Host => [new DockerNetwork("host")],
            NetworkMode.None => [new DockerNetwork("none")],
            _ => null,
        },
        ForceUpdate = spec.ForceUpdate,
    };

    /// <summary>A port published on the task's own node.</summary>
    public static DockerPort ToDocker(this PortConfig port) => new(
        port.Protocol switch { PortProtocol.Udp => "udp", PortProtocol.Sctp => "sctp", _ => "tcp" },
        port.Target, port.Published == 0 ? null : port.Published, "host");

    internal static IReadOnlyList<DockerPort>? Ports(IReadOnlyCollection<PortConfig> ports) =>
        ports.Count == 0 ? null : [.. ports.Select(ToDocker)];

    internal static DockerEndpointSpec Endpoint(ServiceSpec spec) => new()
    {
        Mode = spec.Endpoint?.Mode == EndpointMode.Dnsrr ? "dnsrr" : spec.Task.Networks.Count > 0 ? "vip" : null,
        Ports = Ports(spec.Task.Ports, spec.Endpoint?.Ports ?? []),
    };

    /// <summary>Ports of every node and of the tasks' own.</summary>
    internal static IReadOnlyList<DockerPort>? Ports(IReadOnlyCollection<PortConfig> host, IReadOnlyCollection<PublishedPort> ingress) =>
        host.Count + ingress.Count == 0
            ? null
            : [.. ingress.Select(port => new DockerPort(port.Protocol, port.Target, port.Published == 0 ? null : port.Published, "ingress")), .. host.Select(ToDocker)];

    private static DockerNetwork Network(NetworkAttachment attachment) => new(attachment.Target)
    {
        Aliases = List(attachment.Aliases),
        Ipv4Address = attachment.Ipv4Address.Length == 0 ? null : attachment.Ipv4Address,
    };

    internal static DockerResources? Resources(Resources? resources) => resources is null or { NanoCpus: 0, MemoryBytes: 0 }
        ? null
        : new DockerResources(NotZero(resources.NanoCpus), NotZero(resources.MemoryBytes));

    internal static SortedDictionary<string, string> Sorted(IEnumerable<KeyValuePair<string, string>> map) =>
        new(map.ToDictionary(entry => entry.Key, entry => entry.Value), StringComparer.Ordinal);

    internal static SortedDictionary<string, string>? SortedOrNull(IReadOnlyCollection<KeyValuePair<string, string>> map) =>
        map.Count == 0 ? null : Sorted(map);

    private static DockerContainerSpec Container(ContainerSpec spec) => new()
    {
        Image = spec.Image,
        Labels = SortedOrNull(spec.Labels),
        Command = List(spec.Command),
        Args = List(spec.Args),
        Hostname = spec.HasHostname ? spec.Hostname : null,
        Env = List(spec.Env),
        Dir = spec.HasDir ? spec.Dir : null,
        User = spec.HasUser ? spec.User : null,
        Init = spec.HasInit ? spec.Init : null,
        StopSignal = spec.HasStopSignal ? spec.StopSignal : null,
        TTY = True(spec.Tty),
        OpenStdin = True(spec.OpenStdin),
        ReadOnly = True(spec.ReadOnly),
        Mounts = spec.Mounts.Count == 0 ? null : [.. spec.Mounts.Select(Mount)],
        StopGracePeriod = spec.HasStopGracePeriodNs ? spec.StopGracePeriodNs : null,
        Healthcheck = spec.Healthcheck is { } check ? Healthcheck(check) : null,
        CapabilityAdd = List(spec.CapAdd),
        CapabilityDrop = List(spec.CapDrop),
    };

    private static DockerHealthcheck Healthcheck(Healthcheck check) => new()
    {
        Test = List(check.Test),
        Interval = check.HasIntervalNs ? check.IntervalNs : null,
        Timeout = check.HasTimeoutNs ? check.TimeoutNs : null,
        StartPeriod = check.HasStartPeriodNs ? check.StartPeriodNs : null,
        Retries = check.Retries == 0 ? null : check.Retries,
    };

    private static DockerMount Mount(Mount mount) => new()
    {
        Type = mount.Type switch { MountType.Bind => "bind", MountType.Tmpfs => "tmpfs", _ => "volume" },
        Source = mount.Source.Length == 0 ? null : mount.Source,
        Target = mount.Target,
        ReadOnly = True(mount.ReadOnly),
        BindOptions = mount.HasPropagation ? new DockerBindOptions(mount.Propagation) : null,
        VolumeOptions = mount.Type == MountType.Volume ? VolumeOptions(mount) : null,
        TmpfsOptions = mount.TmpfsBytes > 0 ? new DockerTmpfsOptions(mount.TmpfsBytes) : null,
    };

    private static DockerVolumeOptions? VolumeOptions(Mount mount)
    {
        var driver = mount.HasDriver || mount.DriverOptions.Count > 0
            ? new DockerDriver(mount.HasDriver ? mount.Driver : null, SortedOrNull(mount.DriverOptions))
            : null;
        return driver is null && !mount.NoCopy && mount.VolumeLabels.Count == 0
            ? null
            : new DockerVolumeOptions(True(mount.NoCopy), SortedOrNull(mount.VolumeLabels), driver);
    }

    private static DockerLimits? Limits(Limits? limits) => limits is null or { NanoCpus: 0, MemoryBytes: 0, Pids: 0 }
        ? null
        : new DockerLimits(NotZero(limits.NanoCpus), NotZero(limits.MemoryBytes), NotZero(limits.Pids));

    private static DockerPlacement? Placement(Placement? placement) =>
        placement is null or { Constraints.Count: 0, Spread.Count: 0, MaxReplicasPerNode: 0 }
            ? null
            : new DockerPlacement(
                List(placement.Constraints),
                placement.Spread.Count == 0 ? null : [.. placement.Spread.Select(key => new DockerPreference(new DockerSpread(key)))],
                placement.MaxReplicasPerNode == 0 ? null : placement.MaxReplicasPerNode);

    private static DockerUpdateConfig UpdateConfig(UpdateConfig config) => new(
        config.Parallelism,
        NotZero(config.DelayNs),
        config.FailureAction switch { FailureAction.Continue => "continue", FailureAction.Rollback => "rollback", _ => "pause" },
        config.MonitorNs,
        config.MaxFailureRatio,
        config.Order switch { UpdateOrder.StartFirst => "start-first", UpdateOrder.StopFirst => "stop-first", _ => null });

    private static string Word(RestartCondition condition) => condition switch
    {
        RestartCondition.OnFailure => "on-failure",
        RestartCondition.None => "none",
        _ => "any",
    };

    private static IReadOnlyList<string>? List(Google.Protobuf.Collections.RepeatedField<string> items) => items.Count == 0 ? null : [.. items];

    private static bool? True(bool value) => value ? true : null;

    private static long? NotZero(long value) => value == 0 ? null : value;
}
