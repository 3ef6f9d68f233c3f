using System.Globalization;
using Berth.Model;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Protocol;

/// <summary>The only mapping between specs on the wire and specs in the model. Both ways lose nothing.</summary>
/// <remarks>Reading throws <see cref="FormatException"/> for what no valid writer sends (an unknown constraint, a
/// missing container); the API turns that into INVALID_ARGUMENT.</remarks>
public static class SpecMapper
{
    private const long NanosecondsPerTick = 100;

    /// <summary>A span in nanoseconds, Docker's unit.</summary>
    public static long ToNanoseconds(TimeSpan span) => span.Ticks * NanosecondsPerTick;

    /// <summary>A span from nanoseconds; what is below 100 ns is cut off.</summary>
    public static TimeSpan FromNanoseconds(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / NanosecondsPerTick);

    /// <summary>Writes a stack's spec.</summary>
    public static V1.StackSpec ToWire(this StackSpec spec) =>
        new() { Name = spec.Name, Services = { spec.Services.Select(ToWire) }, Networks = { spec.Networks.Select(NetworkMapper.ToWire) } };

    /// <summary>Reads a stack's spec.</summary>
    public static StackSpec ToModel(this V1.StackSpec wire) =>
        new()
        {
            Name = wire.Name,
            Services = wire.Services.Select(ToModel).ToValueList(),
            Networks = wire.Networks.Select(NetworkMapper.ToModel).ToValueList(),
        };

    /// <summary>Writes a service's spec.</summary>
    public static V1.ServiceSpec ToWire(this ServiceSpec spec)
    {
        var wire = new V1.ServiceSpec
        {
            Name = spec.Name,
            Labels = { spec.Labels.ToDictionary() },
            Task = spec.Task.ToWire(),
            Update = spec.Update.ToWire(),
            Rollback = spec.Rollback.ToWire(),
            Endpoint = spec.Endpoint.ToWire(),
        };
        switch (spec.Mode)
        {
            case ServiceMode.Replicated replicated:
                wire.Replicated = new V1.ReplicatedMode { Replicas = replicated.Replicas };
                break;
            case ServiceMode.Global:
                wire.Global = new V1.GlobalMode();
                break;
        }
        return wire;
    }

    /// <summary>Reads a service's spec; an absent mode is one replica, absent update settings are the defaults.</summary>
    public static ServiceSpec ToModel(this V1.ServiceSpec wire) => new()
    {
        Name = wire.Name,
        Labels = ValueMap.From(wire.Labels),
        Task = Required(wire.Task, "task").ToModel(),
        Mode = wire.ModeCase switch
        {
            V1.ServiceSpec.ModeOneofCase.Global => new ServiceMode.Global(),
            V1.ServiceSpec.ModeOneofCase.Replicated => new ServiceMode.Replicated(wire.Replicated.Replicas),
            _ => new ServiceMode.Replicated(1),
        },
        Update = wire.Update?.ToModel() ?? new UpdateConfig(),
        Rollback = wire.Rollback?.ToModel() ?? new UpdateConfig(),
        Endpoint = wire.Endpoint.ToModel(),
    };

    /// <summary>Writes a task's spec.</summary>
    public static V1.TaskSpec ToWire(this TaskSpec spec) => new()
    {
        Container = spec.Container.ToWire(),
        Limits = new V1.Limits
        {
            NanoCpus = spec.Resources.Limits.NanoCpus,
            MemoryBytes = spec.Resources.Limits.MemoryBytes,
            Pids = spec.Resources.Limits.Pids,
        },
        Reservations = spec.Resources.Reservations.ToWire(),
        Restart = new V1.RestartPolicy
        {
            Condition = (V1.RestartCondition)spec.Restart.Condition,
            DelayNs = ToNanoseconds(spec.Restart.Delay),
            MaxAttempts = spec.Restart.MaxAttempts,
            WindowNs = ToNanoseconds(spec.Restart.Window),
        },
        Placement = new V1.Placement
        {
            Constraints = { spec.Placement.Constraints.Select(constraint => constraint.ToString()) },
            Spread = { spec.Placement.Spread },
            MaxReplicasPerNode = spec.Placement.MaxReplicasPerNode,
        },
        Network = (V1.NetworkMode)spec.Network,
        Ports = { spec.Ports.Select(ToWire) },
        ForceUpdate = spec.ForceUpdate,
        Networks = { spec.Networks.Select(NetworkMapper.ToWire) },
    };

    /// <summary>Reads a task's spec; an absent restart policy is the default one.</summary>
    public static TaskSpec ToModel(this V1.TaskSpec wire) => new()
    {
        Container = Required(wire.Container, "task.container").ToModel(),
        Resources = new ResourceRequirements
        {
            Limits = wire.Limits is { } limits ? new Limits(limits.NanoCpus, limits.MemoryBytes, limits.Pids) : new Limits(),
            Reservations = wire.Reservations?.ToModel() ?? default,
        },
        Restart = wire.Restart is { } restart
            ? new RestartPolicy
            {
                Condition = (RestartCondition)restart.Condition,
                Delay = FromNanoseconds(restart.DelayNs),
                MaxAttempts = restart.MaxAttempts,
                Window = FromNanoseconds(restart.WindowNs),
            }
            : new RestartPolicy(),
        Placement = new Placement
        {
            Constraints = (wire.Placement?.Constraints ?? []).Select(ReadConstraint).ToValueList(),
            Spread = (wire.Placement?.Spread ?? []).ToValueList(),
            MaxReplicasPerNode = wire.Placement?.MaxReplicasPerNode ?? 0,
        },
        Network = (NetworkMode)wire.Network,
        Ports = wire.Ports.Select(ToModel).ToValueList(),
        ForceUpdate = wire.ForceUpdate,
        Networks = wire.Networks.Select(NetworkMapper.ToModel).ToValueList(),
    };

    /// <summary>Writes a published port.</summary>
    public static V1.PortConfig ToWire(this PortConfig port) =>
        new() { Target = port.Target, Published = port.Published, Protocol = (V1.PortProtocol)port.Protocol };

    /// <summary>Reads a published port.</summary>
    public static PortConfig ToModel(this V1.PortConfig wire) => new(wire.Target, wire.Published, (PortProtocol)wire.Protocol);

    /// <summary>Writes an amount of CPU and memory.</summary>
    public static V1.Resources ToWire(this Resources resources) =>
        new() { NanoCpus = resources.NanoCpus, MemoryBytes = resources.MemoryBytes };

    /// <summary>Reads an amount of CPU and memory.</summary>
    public static Resources ToModel(this V1.Resources wire) => new(wire.NanoCpus, wire.MemoryBytes);

    private static V1.UpdateConfig ToWire(this UpdateConfig config) => new()
    {
        Parallelism = config.Parallelism,
        DelayNs = ToNanoseconds(config.Delay),
        FailureAction = (V1.FailureAction)config.FailureAction,
        MonitorNs = ToNanoseconds(config.Monitor),
        MaxFailureRatio = config.MaxFailureRatio,
        Order = (V1.UpdateOrder)config.Order,
    };

    private static UpdateConfig ToModel(this V1.UpdateConfig wire) => new()
    {
        Parallelism = wire.Parallelism,
        Delay = FromNanoseconds(wire.DelayNs),
        FailureAction = (FailureAction)wire.FailureAction,
        Monitor = FromNanoseconds(wire.MonitorNs),
        MaxFailureRatio = wire.MaxFailureRatio,
        Order = (UpdateOrder)wire.Order,
    };

    private static V1.ContainerSpec ToWire(this ContainerSpec spec)
    {
        var wire = new V1.ContainerSpec
        {
            Image = spec.Image,
            Command = { spec.Command },
            Args = { spec.Args },
            Env = { spec.Env },
            Labels = { spec.Labels.ToDictionary() },
            Healthcheck = spec.Healthcheck?.ToWire(),
            Mounts = { spec.Mounts.Select(ToWire) },
            ReadOnly = spec.ReadOnly,
            Tty = spec.Tty,
            OpenStdin = spec.OpenStdin,
            CapAdd = { spec.CapAdd },
            CapDrop = { spec.CapDrop },
        };
        if (spec.Hostname is { } hostname)
            wire.Hostname = hostname;
        if (spec.Dir is { } dir)
            wire.Dir = dir;
        if (spec.User is { } user)
            wire.User = user;
        if (spec.StopSignal is { } signal)
            wire.StopSignal = signal;
        if (spec.StopGracePeriod is { } grace)
            wire.StopGracePeriodNs = ToNanoseconds(grace);
        if (spec.Init is { } init)
            wire.Init = init;
        return wire;
    }

    private static ContainerSpec ToModel(this V1.ContainerSpec wire) => new()
    {
        Image = wire.Image,
        Command = wire.Command.ToValueList(),
        Args = wire.Args.ToValueList(),
        Env = wire.Env.ToValueList(),
        Labels = ValueMap.From(wire.Labels),
        Hostname = wire.HasHostname ? wire.Hostname : null,
        Dir = wire.HasDir ? wire.Dir : null,
        User = wire.HasUser ? wire.User : null,
        StopSignal = wire.HasStopSignal ? wire.StopSignal : null,
        StopGracePeriod = wire.HasStopGracePeriodNs ? FromNanoseconds(wire.StopGracePeriodNs) : null,
        Healthcheck = wire.Healthcheck?.ToModel(),
        Mounts = wire.Mounts.Select(ToModel).ToValueList(),
        Init = wire.HasInit ? wire.Init : null,
        ReadOnly = wire.ReadOnly,
        Tty = wire.Tty,
        OpenStdin = wire.OpenStdin,
        CapAdd = wire.CapAdd.ToValueList(),
        CapDrop = wire.CapDrop.ToValueList(),
    };

    private static V1.Healthcheck ToWire(this Healthcheck check)
    {
        var wire = new V1.Healthcheck { Test = { check.Test }, Retries = check.Retries };
        if (check.Interval is { } interval)
            wire.IntervalNs = ToNanoseconds(interval);
        if (check.Timeout is { } timeout)
            wire.TimeoutNs = ToNanoseconds(timeout);
        if (check.StartPeriod is { } startPeriod)
            wire.StartPeriodNs = ToNanoseconds(startPeriod);
        return wire;
    }

    private static Healthcheck ToModel(this V1.Healthcheck wire) => new()
    {
        Test = wire.Test.ToValueList(),
        Interval = wire.HasIntervalNs ? FromNanoseconds(wire.IntervalNs) : null,
        Timeout = wire.HasTimeoutNs ? FromNanoseconds(wire.TimeoutNs) : null,
        StartPeriod = wire.HasStartPeriodNs ? FromNanoseconds(wire.StartPeriodNs) : null,
        Retries = wire.Retries,
    };

    private static V1.Mount ToWire(this Mount mount)
    {
        var wire = new V1.Mount
        {
            Type = (V1.MountType)mount.Type,
            Source = mount.Source,
            Target = mount.Target,
            ReadOnly = mount.ReadOnly,
            DriverOptions = { mount.DriverOptions.ToDictionary() },
            VolumeLabels = { mount.VolumeLabels.ToDictionary() },
            NoCopy = mount.NoCopy,
            TmpfsBytes = mount.TmpfsBytes,
        };
        if (mount.Driver is { } driver)
            wire.Driver = driver;
        if (mount.Propagation is { } propagation)
            wire.Propagation = propagation;
        return wire;
    }

    private static Mount ToModel(this V1.Mount wire) => new()
    {
        Type = (MountType)wire.Type,
        Source = wire.Source,
        Target = wire.Target,
        ReadOnly = wire.ReadOnly,
        Driver = wire.HasDriver ? wire.Driver : null,
        DriverOptions = ValueMap.From(wire.DriverOptions),
        VolumeLabels = ValueMap.From(wire.VolumeLabels),
        NoCopy = wire.NoCopy,
        TmpfsBytes = wire.TmpfsBytes,
        Propagation = wire.HasPropagation ? wire.Propagation : null,
    };

    private static Constraint ReadConstraint(string text) =>
        Constraint.TryParse(text, out var constraint, out var error) ? constraint : throw new FormatException(error);

    private static T Required<T>(T? message, string field)
        where T : class, IMessage =>
        message ?? throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"spec.{field} is missing"));
}
