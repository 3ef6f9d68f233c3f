using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>The mapping between held tasks and the agent's protocol, and its file.</summary>
public static class TaskWire
{
    /// <summary>Reads what the tasks of a service share.</summary>
    public static TaskTemplate ToModel(this V1.ServiceTemplate wire) => new()
    {
        ServiceId = wire.ServiceId,
        ServiceName = wire.ServiceName,
        SpecVersion = wire.SpecVersion,
        Spec = wire.Spec.ToModel(),
    };

    /// <summary>Writes what the tasks of a service share.</summary>
    public static V1.ServiceTemplate ToWire(this TaskTemplate template) => new()
    {
        ServiceId = template.ServiceId,
        ServiceName = template.ServiceName,
        SpecVersion = template.SpecVersion,
        Spec = template.Spec.ToWire(),
    };

    /// <summary>Reads an assignment.</summary>
    public static TaskAssignment ToModel(this V1.Assignment wire, TaskTemplate template) =>
        new(TaskId.Parse(wire.TaskId), wire.Slot, template, (TaskState)wire.DesiredState, (TaskState)wire.KnownState) { Attempt = wire.Attempt, Trace = wire.Trace };

    /// <summary>Writes what the agent says of a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="now">By this host's clock, which its status' timestamp is by as well.</param>
    public static V1.TaskReport ToReport(this HeldTask task, DateTimeOffset now)
    {
        var status = task.Status;
        var wire = new V1.TaskReport
        {
            TaskId = task.Id.ToString(),
            State = (V1.TaskState)status.State,
            AgeNs = Age(status.Timestamp, now),
            Message = status.Message,
            Err = status.Err,
            ContainerId = status.ContainerId,
            Pid = status.Pid,
            OomKilled = status.OomKilled,
            Ports = { status.Ports.Select(port => port.ToWire()) },
            Addresses = { status.Addresses.Select(NetworkMapper.ToWire) },
        };
        if (status.ExitCode is { } code)
            wire.ExitCode = code;
        if (status.RunningSince is { } since)
            wire.RunningAgeNs = Age(since, now);
        if (task.Local is { } local)
            wire.Local = ToWire(local, task.Assignment.Attempt, now);
        return wire;
    }

    private static V1.LocalAttempt ToWire(LocalOrigin local, int attempt, DateTimeOffset now)
    {
        var wire = new V1.LocalAttempt
        {
            Root = local.Root.ToString(), Generation = local.Generation, Attempt = attempt, MadeAgeNs = Age(local.Made, now),
        };
        if (local.Starts is { } starts)
            wire.StartsInNs = Age(now, starts);
        return wire;
    }

    // A clock that was set back must not make a future of the past.
    private static long Age(DateTimeOffset instant, DateTimeOffset now) => SpecMapper.ToNanoseconds(now > instant ? now - instant : TimeSpan.Zero);

    private static DateTimeOffset At(long ticks) => new(ticks, TimeSpan.Zero);

    /// <summary>Writes all held tasks for the agent's file.</summary>
    public static void Write(V1.AgentState state, IEnumerable<HeldTask> tasks)
    {
        state.Tasks.Clear();
        state.Templates.Clear();
        var keys = new Dictionary<TaskTemplate, string>(ReferenceEqualityComparer.Instance);
        foreach (var task in tasks)
        {
            var template = task.Assignment.Template;
            if (!keys.TryGetValue(template, out var key))
            {
                keys[template] = key = keys.Count.ToString(System.Globalization.CultureInfo.InvariantCulture);
                state.Templates[key] = template.ToWire();
            }
            state.Tasks.Add(new V1.HeldTask
            {
                Assignment = new V1.Assignment
                {
                    TaskId = task.Id.ToString(),
                    Slot = task.Assignment.Slot,
                    Template = key,
                    DesiredState = (V1.TaskState)task.Assignment.Desired,
                    KnownState = (V1.TaskState)task.Assignment.Known,
                    Attempt = task.Assignment.Attempt,
                },
                Status = task.Status.ToWire(),
                Dropped = task.IsDropped,
                EndedUnheard = task.EndedUnheard,
                Local = task.Local is { } local
                    ? new V1.LocalOrigin { Root = local.Root.ToString(), Generation = local.Generation, MadeTicks = local.Made.UtcTicks, StartsTicks = local.Starts?.UtcTicks ?? 0 }
                    : null,
            });
        }
    }

    /// <summary>Reads all held tasks from the agent's file. Containers are looked for afresh.</summary>
    public static IReadOnlyList<HeldTask> Read(V1.AgentState state)
    {
        var templates = state.Templates.ToDictionary(entry => entry.Key, entry => entry.Value.ToModel());
        return
        [
            .. state.Tasks.Select(task => new HeldTask
            {
                Assignment = task.Assignment.ToModel(templates[task.Assignment.Template]),
                Status = task.Status.ToModel(),
                IsDropped = task.Dropped,
                EndedUnheard = task.EndedUnheard,
                Local = task.Local is { } local
                    ? new LocalOrigin(TaskId.Parse(local.Root), local.Generation, At(local.MadeTicks), local.StartsTicks == 0 ? null : At(local.StartsTicks))
                    : null,
            }),
        ];
    }
}
