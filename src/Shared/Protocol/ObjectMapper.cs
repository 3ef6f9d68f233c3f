using Berth.Model;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Protocol;

/// <summary>The only mapping between the cluster's objects on the wire and in the model.</summary>
public static class ObjectMapper
{
    /// <summary>Writes a stack.</summary>
    public static V1.Stack ToWire(this Stack stack) => new()
    {
        Id = stack.Id.ToString(),
        Name = stack.Name,
        Version = stack.Version,
        CreatedAt = stack.CreatedAt.ToTimestamp(),
        UpdatedAt = stack.UpdatedAt.ToTimestamp(),
    };

    /// <summary>Reads a stack.</summary>
    public static Stack ToModel(this V1.Stack wire) => new()
    {
        Id = StackId.Parse(wire.Id),
        Name = wire.Name,
        Version = wire.Version,
        CreatedAt = wire.CreatedAt.ToDateTimeOffset(),
        UpdatedAt = wire.UpdatedAt.ToDateTimeOffset(),
    };

    /// <summary>Writes a service.</summary>
    public static V1.Service ToWire(this Service service) => new()
    {
        Id = service.Id.ToString(),
        Version = service.Version,
        CreatedAt = service.CreatedAt.ToTimestamp(),
        UpdatedAt = service.UpdatedAt.ToTimestamp(),
        Spec = service.Spec.ToWire(),
        SpecVersion = service.SpecVersion,
        PreviousSpec = service.PreviousSpec?.ToWire(),
        PreviousSpecVersion = service.PreviousSpecVersion,
        Rollout = service.Rollout?.ToWire(),
        LastSpecVersion = service.LastSpecVersion,
        Trace = service.Trace,
        Endpoint = service.Endpoint.ToWire(),
    };

    /// <summary>Reads a service.</summary>
    public static Service ToModel(this V1.Service wire) => new()
    {
        Id = ServiceId.Parse(wire.Id),
        Version = wire.Version,
        CreatedAt = wire.CreatedAt.ToDateTimeOffset(),
        UpdatedAt = wire.UpdatedAt.ToDateTimeOffset(),
        Spec = wire.Spec.ToModel(),
        SpecVersion = wire.SpecVersion,
        PreviousSpec = wire.PreviousSpec?.ToModel(),
        PreviousSpecVersion = wire.PreviousSpecVersion,
        Rollout = wire.Rollout?.ToModel(),
        LastSpecVersion = wire.LastSpecVersion,
        Trace = wire.Trace,
        Endpoint = wire.Endpoint.ToModel(),
    };

    /// <summary>Writes how far a rollout has come.</summary>
    public static V1.Rollout ToWire(this Rollout rollout) => new()
    {
        State = (V1.RolloutState)rollout.State,
        StartedAt = rollout.StartedAt.ToTimestamp(),
        CompletedAt = rollout.CompletedAt?.ToTimestamp(),
        Message = rollout.Message,
        Slots = rollout.Slots,
        Failed = { rollout.Failed.Select(id => id.ToString()) },
        ProgressAt = rollout.ProgressAt.ToTimestamp(),
    };

    /// <summary>Reads how far a rollout has come.</summary>
    public static Rollout ToModel(this V1.Rollout wire) => new()
    {
        State = (RolloutState)wire.State,
        StartedAt = wire.StartedAt.ToDateTimeOffset(),
        CompletedAt = wire.CompletedAt?.ToDateTimeOffset(),
        Message = wire.Message,
        Slots = wire.Slots,
        Failed = wire.Failed.Select(TaskId.Parse).ToValueList(),
        ProgressAt = wire.ProgressAt?.ToDateTimeOffset() ?? default,
    };

    /// <summary>Writes a node.</summary>
    public static V1.Node ToWire(this Node node) => new()
    {
        Id = node.Id.ToString(),
        Version = node.Version,
        CreatedAt = node.CreatedAt.ToTimestamp(),
        UpdatedAt = node.UpdatedAt.ToTimestamp(),
        Spec = new V1.NodeSpec
        {
            Availability = (V1.NodeAvailability)node.Spec.Availability,
            Role = (V1.NodeRole)node.Spec.Role,
            Labels = { node.Spec.Labels.ToDictionary() },
        },
        Description = node.Description.ToWire(),
        Status = new V1.NodeStatus
        {
            State = (V1.NodeState)node.Status.State,
            Message = node.Status.Message,
            Since = node.Status.Since.ToTimestamp(),
        },
        Number = node.Number,
        Slices = { node.Slices.Select(NetworkMapper.ToWire) },
    };

    /// <summary>Reads a node.</summary>
    public static Node ToModel(this V1.Node wire) => new()
    {
        Id = NodeId.Parse(wire.Id),
        Version = wire.Version,
        CreatedAt = wire.CreatedAt.ToDateTimeOffset(),
        UpdatedAt = wire.UpdatedAt.ToDateTimeOffset(),
        Spec = new NodeSpec
        {
            Availability = (NodeAvailability)wire.Spec.Availability,
            Role = (NodeRole)wire.Spec.Role,
            Labels = ValueMap.From(wire.Spec.Labels),
        },
        Description = wire.Description.ToModel(),
        Status = wire.Status is { } status
            ? new NodeStatus((NodeState)status.State, status.Message, status.Since?.ToDateTimeOffset() ?? default)
            : NodeStatus.Unknown,
        Number = wire.Number,
        Slices = wire.Slices.Select(NetworkMapper.ToModel).ToValueList(),
    };

    /// <summary>Writes a node's facts.</summary>
    public static V1.NodeDescription ToWire(this NodeDescription description) => new()
    {
        Hostname = description.Hostname,
        Address = description.Address,
        Os = description.Os,
        Architecture = description.Architecture,
        Capacity = description.Capacity.ToWire(),
        EngineVersion = description.EngineVersion,
        EngineApiVersion = description.EngineApiVersion,
        EngineLabels = { description.EngineLabels.ToDictionary() },
        AgentVersion = description.AgentVersion,
        Warnings = { description.Warnings },
        Manager = description.Manager,
        Networking = description.Networking.ToWire(),
    };

    /// <summary>Reads a node's facts.</summary>
    public static NodeDescription ToModel(this V1.NodeDescription wire) => new()
    {
        Hostname = wire.Hostname,
        Address = wire.Address,
        Os = wire.Os,
        Architecture = wire.Architecture,
        Capacity = wire.Capacity?.ToModel() ?? default,
        EngineVersion = wire.EngineVersion,
        EngineApiVersion = wire.EngineApiVersion,
        EngineLabels = ValueMap.From(wire.EngineLabels),
        AgentVersion = wire.AgentVersion,
        Warnings = wire.Warnings.ToValueList(),
        Manager = wire.Manager,
        Networking = wire.Networking.ToModel(),
    };

    /// <summary>Writes a task.</summary>
    public static V1.Task ToWire(this ServiceTask task) => task.ToWire(task.Spec.ToWire());

    /// <summary>Writes a task with a spec already written, which many tasks may share; null leaves the spec out.</summary>
    public static V1.Task ToWire(this ServiceTask task, V1.TaskSpec? spec) => new()
    {
        Id = task.Id.ToString(),
        Version = task.Version,
        CreatedAt = task.CreatedAt.ToTimestamp(),
        ServiceId = task.ServiceId.ToString(),
        Slot = task.Slot,
        NodeId = task.NodeId?.ToString() ?? "",
        SpecVersion = task.SpecVersion,
        Spec = spec,
        DesiredState = (V1.TaskState)task.DesiredState,
        Attempt = task.Attempt,
        NotBefore = task.NotBefore?.ToTimestamp(),
        Status = task.Status.ToWire(),
        StopReason = task.StopReason,
    };

    /// <summary>Writes what is known of a task.</summary>
    public static V1.TaskStatus ToWire(this ServiceTaskStatus status)
    {
        var wire = new V1.TaskStatus
        {
            State = (V1.TaskState)status.State,
            Timestamp = status.Timestamp.ToTimestamp(),
            Message = status.Message,
            Err = status.Err,
            ContainerId = status.ContainerId,
            Pid = status.Pid,
            OomKilled = status.OomKilled,
            Ports = { status.Ports.Select(port => port.ToWire()) },
            RunningSince = status.RunningSince?.ToTimestamp(),
            Addresses = { status.Addresses.Select(NetworkMapper.ToWire) },
        };
        if (status.ExitCode is { } code)
            wire.ExitCode = code;
        return wire;
    }

    /// <summary>Reads what is known of a task.</summary>
    public static ServiceTaskStatus ToModel(this V1.TaskStatus wire) => new()
    {
        State = (TaskState)wire.State,
        Timestamp = wire.Timestamp?.ToDateTimeOffset() ?? default,
        Message = wire.Message,
        Err = wire.Err,
        ContainerId = wire.ContainerId,
        Pid = wire.Pid,
        ExitCode = wire.HasExitCode ? wire.ExitCode : null,
        OomKilled = wire.OomKilled,
        Ports = wire.Ports.Select(port => port.ToModel()).ToValueList(),
        RunningSince = wire.RunningSince?.ToDateTimeOffset(),
        Addresses = wire.Addresses.Select(NetworkMapper.ToModel).ToValueList(),
    };

    /// <summary>Reads an agent's report; its age becomes an instant of the manager's clock.</summary>
    public static ServiceTaskStatus ToModel(this V1.TaskReport wire, DateTimeOffset now) => new()
    {
        State = (TaskState)wire.State,
        Timestamp = now - SpecMapper.FromNanoseconds(Math.Max(0, wire.AgeNs)),
        Message = wire.Message,
        Err = wire.Err,
        ContainerId = wire.ContainerId,
        Pid = wire.Pid,
        ExitCode = wire.HasExitCode ? wire.ExitCode : null,
        OomKilled = wire.OomKilled,
        Ports = wire.Ports.Select(port => port.ToModel()).ToValueList(),
        Addresses = wire.Addresses.Select(NetworkMapper.ToModel).ToValueList(),
        RunningSince = wire.HasRunningAgeNs ? now - SpecMapper.FromNanoseconds(Math.Max(0, wire.RunningAgeNs)) : null,
    };
}
