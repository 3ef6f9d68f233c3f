using Berth.Model;
using Berth.Protocol;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Docker;

/// <summary>The cluster's objects in Docker's shapes.</summary>
public static class DockerObjectMapper
{
    /// <summary>Docker's <c>Service</c>.</summary>
    public static DockerService ToDocker(this V1.ServiceSummary summary)
    {
        var service = summary.Service;
        var endpoint = DockerSpecMapper.Endpoint(service.Spec);
        return new DockerService
        {
            ID = service.Id,
            Version = new DockerVersion(service.Version),
            CreatedAt = Instant(service.CreatedAt),
            UpdatedAt = Instant(service.UpdatedAt),
            Spec = service.Spec.ToDocker(),
            PreviousSpec = service.PreviousSpec?.ToDocker(),
            Endpoint = new DockerEndpoint
            {
                Spec = endpoint,
                Ports = DockerSpecMapper.Ports(service.Spec.Task.Ports, service.Endpoint?.Ports ?? []),
                VirtualIPs = service.Endpoint is { VirtualAddresses.Count: > 0 } given
                    ? [.. given.VirtualAddresses.Select(vip => new DockerVirtualIP(vip.NetworkId, vip.Address))]
                    : null,
            },
            UpdateStatus = service.Rollout is { } rollout ? UpdateStatus(rollout) : null,
            ServiceStatus = new DockerServiceStatus(summary.Running, summary.Desired),
        };
    }

    /// <summary>Docker's <c>Task</c>.</summary>
    public static DockerTask ToDocker(this V1.TaskRow row)
    {
        var task = row.Task;
        return new DockerTask
        {
            ID = task.Id,
            Version = new DockerVersion(task.Version),
            CreatedAt = Instant(task.CreatedAt),
            UpdatedAt = Instant(task.Status.Timestamp),
            Name = row.Name,
            Spec = task.Spec.ToDocker(),
            ServiceID = task.ServiceId,
            Slot = task.Slot == 0 ? null : task.Slot,
            NodeID = task.NodeId.Length == 0 ? null : task.NodeId,
            Status = Status(task.Status, task.StopReason),
            NetworksAttachments = task.Status.Addresses.Count == 0
                ? null
                : [.. task.Status.Addresses.Select(address => new DockerAttachment(address.NetworkId, [address.Address]))],
            DesiredState = ((TaskState)task.DesiredState).Word(),
        };
    }

    /// <summary>Docker's <c>Node</c>.</summary>
    public static DockerNode ToDocker(this V1.NodeSummary summary)
    {
        var node = summary.Node;
        var facts = node.Description;
        return new DockerNode
        {
            ID = node.Id,
            Version = new DockerVersion(node.Version),
            CreatedAt = Instant(node.CreatedAt),
            UpdatedAt = Instant(node.UpdatedAt),
            Spec = new DockerNodeSpec(DockerSpecMapper.Sorted(node.Spec.Labels), Word(node.Spec.Role), Word(node.Spec.Availability)),
            Description = new DockerNodeDescription(
                facts.Hostname,
                new DockerPlatform(facts.Architecture, facts.Os),
                DockerSpecMapper.Resources(facts.Capacity) ?? new DockerResources(null, null),
                new DockerEngine(facts.EngineVersion, DockerSpecMapper.SortedOrNull(facts.EngineLabels))),
            Status = new DockerNodeStatus(Word(node.Status.State), node.Status.Message.Length == 0 ? null : node.Status.Message, facts.Address),
            Networking = facts.Networking is { } networking
                ? new DockerNetworking(
                    networking.Way, networking.Problem.Length == 0 ? null : networking.Problem, node.Number == 0 ? null : node.Number,
                    node.Slices.Count == 0 ? null : [.. node.Slices.Select(slice => slice.Prefix)])
                : null,
        };
    }

    /// <summary>Docker's word for a state of a rollout; empty for none.</summary>
    public static string Word(V1.RolloutState state) => state switch
    {
        V1.RolloutState.Updating => "updating",
        V1.RolloutState.Paused => "paused",
        V1.RolloutState.Completed => "completed",
        V1.RolloutState.RollbackStarted => "rollback_started",
        V1.RolloutState.RollbackPaused => "rollback_paused",
        V1.RolloutState.RollbackCompleted => "rollback_completed",
        _ => "",
    };

    /// <summary>Docker's word for a node's state; <c>unknown</c> and <c>disconnected</c> are Docker's too.</summary>
    public static string Word(V1.NodeState state) => state switch
    {
        V1.NodeState.Down => "down",
        V1.NodeState.Ready => "ready",
        V1.NodeState.Disconnected => "disconnected",
        _ => "unknown",
    };

    /// <summary>Docker's word for a node's availability.</summary>
    public static string Word(V1.NodeAvailability availability) => availability switch
    {
        V1.NodeAvailability.Pause => "pause",
        V1.NodeAvailability.Drain => "drain",
        _ => "active",
    };

    /// <summary>Docker's word for a node's role.</summary>
    public static string Word(V1.NodeRole role) => role == V1.NodeRole.Manager ? "manager" : "worker";

    private static DockerUpdateStatus UpdateStatus(V1.Rollout rollout) => new()
    {
        State = Word(rollout.State),
        StartedAt = rollout.StartedAt is { } started ? Instant(started) : null,
        CompletedAt = rollout.CompletedAt is { } completed ? Instant(completed) : null,
        Message = rollout.Message,
    };

    private static DockerTaskStatus Status(V1.TaskStatus status, string stopReason) => new()
    {
        Timestamp = Instant(status.Timestamp),
        State = ((TaskState)status.State).Word(),
        Message = Message(status.Message, stopReason),
        Err = status.Err.Length == 0 ? null : status.Err,
        ContainerStatus = status.ContainerId.Length == 0
            ? null
            : new DockerContainerStatus(status.ContainerId, status.Pid, status.HasExitCode ? status.ExitCode : null),
        PortStatus = new DockerPortStatus(DockerSpecMapper.Ports(status.Ports)),
    };

    // Docker has no field for why a task was told to stop.
    private static string Message(string message, string stopReason) =>
        stopReason.Length == 0 || message.EndsWith(stopReason, StringComparison.Ordinal) ? message
        : message.Length == 0 ? stopReason
        : $"{message}: {stopReason}";

    private static DateTime Instant(Timestamp? timestamp) => timestamp?.ToDateTime() ?? DateTime.SpecifyKind(default, DateTimeKind.Utc);
}
