using System.Collections.Immutable;
using System.Globalization;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>What happened between two states, shaped after Docker's events.</summary>
/// <remarks>Several commits may lie between the two: an object's event says where it was and where it is, not every
/// step. Stacks first, then services, nodes and tasks, each in the order of their ids.</remarks>
internal static class EventDiff
{
    /// <summary>The events that lead from one state to the other.</summary>
    /// <param name="before">The earlier state.</param>
    /// <param name="after">The later state.</param>
    /// <param name="touched">Which objects may differ.</param>
    /// <param name="now">When the change was noticed, by the manager's clock.</param>
    public static ImmutableArray<V1.Event> Between(ClusterState before, ClusterState after, Touched touched, DateTimeOffset now)
    {
        var services = touched.All ? before.Services.Keys.Union(after.Services.Keys) : touched.Services;
        var nodes = touched.All ? before.Nodes.Keys.Union(after.Nodes.Keys) : touched.Nodes;
        var tasks = touched.All ? before.Tasks.Keys.Union(after.Tasks.Keys) : touched.Tasks;
        var events = Stacks(before, after)
            .Concat(services.Order().Select(id =>
                OfService(id, before.Services.GetValueOrDefault(id), after.Services.GetValueOrDefault(id))))
            .Concat(nodes.Order().SelectMany(id => OfNode(id, before.Nodes.GetValueOrDefault(id), after.Nodes.GetValueOrDefault(id))))
            .Concat(tasks.Order().Select(id => OfTask(id, before, after)));

        var time = now.ToTimestamp();
        return
        [
            .. events.OfType<V1.Event>().Select(item =>
            {
                item.Time = time;
                return item;
            }),
        ];
    }

    private static IEnumerable<V1.Event?> Stacks(ClusterState before, ClusterState after)
    {
        if (ReferenceEquals(before.Stacks, after.Stacks))
            return [];
        return before.Stacks.Keys.Union(after.Stacks.Keys).Order(StringComparer.Ordinal).Select(name =>
            (before.Stacks.GetValueOrDefault(name), after.Stacks.GetValueOrDefault(name)) switch
            {
                (null, { } made) => New("stack", "create", made.Id.ToString(), name),
                ({ } gone, null) => New("stack", "remove", gone.Id.ToString(), name),
                ({ } was, { } now) when was.Id != now.Id || was.Version != now.Version => New("stack", "update", now.Id.ToString(), name),
                _ => null,
            });
    }

    private static V1.Event? OfService(ServiceId id, Service? before, Service? after)
    {
        switch (before, after)
        {
            case (null, { } made):
                return New("service", "create", id.ToString(), made.Spec.Name, ("image", made.Spec.Task.Container.Image), ("mode", Mode(made)));
            case ({ } gone, null):
                return New("service", "remove", id.ToString(), gone.Spec.Name);
            case ({ } was, { } now) when was.Version != now.Version:
                var changes = new Attributes()
                    .Changed("image", was.Spec.Task.Container.Image, now.Spec.Task.Container.Image)
                    .Changed("replicas", Number(was.Replicas), Number(now.Replicas))
                    .Changed("updatestate", Word(was.Rollout?.State), Word(now.Rollout?.State));
                if (now.Rollout is { Message.Length: > 0 } rollout && rollout != was.Rollout)
                    changes.Add("message", rollout.Message);
                return New("service", "update", id.ToString(), now.Spec.Name, changes.List);
            default:
                return null;
        }
    }

    private static IEnumerable<V1.Event?> OfNode(NodeId id, Node? before, Node? after)
    {
        if (after is null)
        {
            yield return before is null ? null : New("node", "remove", id.ToString(), before.Description.Hostname);
            yield break;
        }

        var name = after.Description.Hostname;
        if (before is null)
            yield return New("node", "create", id.ToString(), name, ("address", after.Description.Address));
        else if (before.Spec != after.Spec)
            yield return New("node", "update", id.ToString(), name, new Attributes()
                .Changed("availability", Word(before.Spec.Availability), Word(after.Spec.Availability))
                .Changed("role", Word(before.Spec.Role), Word(after.Spec.Role))
                .Changed("labels", Text(before.Spec.Labels), Text(after.Spec.Labels))
                .List);

        var was = before?.Status.State ?? NodeState.Unknown;
        if (was != after.Status.State)
            yield return New("node", Word(after.Status.State), id.ToString(), name, new Attributes()
                .Changed("state", Word(was), Word(after.Status.State))
                .Add("message", after.Status.Message)
                .List);
    }

    private static V1.Event? OfTask(TaskId id, ClusterState before, ClusterState after)
    {
        var was = before.Tasks.GetValueOrDefault(id);
        if (!after.Tasks.TryGetValue(id, out var task))
            return was is null ? null : New("task", "remove", id.ToString(), TaskNames.Of(before, was), About(before, was).List);
        if (was is not null && was.State == task.State && was.Status.Err == task.Status.Err)
            return null;

        var attributes = About(after, task)
            .Add("desiredstate", task.DesiredState.Word())
            .Add("message", task.Status.Message)
            .Add("reason", task.StopReason)
            .Add("error", task.Status.Err)
            .Add("container", task.Status.ContainerId);
        if (task.Status.ExitCode is { } code)
            attributes.Add("exitcode", Number(code));
        if (task.Status.OomKilled)
            attributes.Add("oomkilled", "true");
        return New("task", task.State.Word(), id.ToString(), TaskNames.Of(after, task), attributes.List);
    }

    private static Attributes About(ClusterState state, ServiceTask task) => new Attributes()
        .Add("service", TaskNames.OfService(state, task.ServiceId))
        .Add("serviceid", task.ServiceId.ToString())
        .Add("slot", task.Slot == 0 ? "" : Number(task.Slot))
        .Add("node", TaskNames.OfNode(state, task.NodeId))
        .Add("nodeid", task.NodeId?.ToString() ?? "")
        .Add("image", task.Spec.Container.Image);

    private static V1.Event New(string type, string action, string id, string name, params IEnumerable<(string, string)> attributes)
    {
        var made = new V1.Event { Type = type, Action = action, Id = id, Name = name };
        made.Attributes.Add("name", name);
        foreach (var (key, value) in attributes)
            made.Attributes[key] = value;
        return made;
    }

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Mode(Service service) => service.Replicas is { } replicas ? $"replicated:{Number(replicas)}" : "global";

    private static string Text(ValueMap labels) => string.Join(',', labels.Select(label => $"{label.Key}={label.Value}"));

    private static string Word(NodeAvailability availability) => availability switch
    {
        NodeAvailability.Active => "active",
        NodeAvailability.Pause => "pause",
        _ => "drain",
    };

    private static string Word(NodeRole role) => role == NodeRole.Manager ? "manager" : "worker";

    private static string Word(NodeState state) => state switch
    {
        NodeState.Ready => "ready",
        NodeState.Down => "down",
        NodeState.Disconnected => "disconnected",
        _ => "unknown",
    };

    private static string Word(RolloutState? state) => state switch
    {
        RolloutState.Updating => "updating",
        RolloutState.Paused => "paused",
        RolloutState.Completed => "completed",
        RolloutState.RollbackStarted => "rollback_started",
        RolloutState.RollbackPaused => "rollback_paused",
        RolloutState.RollbackCompleted => "rollback_completed",
        _ => "",
    };

    // Docker names what changed KEY.old and KEY.new, and leaves out what did not.
    private sealed class Attributes
    {
        public List<(string, string)> List { get; } = [];

        public Attributes Add(string key, string value)
        {
            if (value.Length > 0)
                List.Add((key, value));
            return this;
        }

        public Attributes Changed(string key, string before, string after)
        {
            if (before == after)
                return this;
            List.Add(($"{key}.old", before));
            List.Add(($"{key}.new", after));
            return this;
        }
    }
}
