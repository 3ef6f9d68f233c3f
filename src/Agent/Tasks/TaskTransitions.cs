using System.Globalization;
using Berth.Agent.Engine;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Tasks;

/// <summary>How what happens changes a held task. Pure; a state only ever grows, whatever comes in.</summary>
public static class TaskTransitions
{
    /// <summary>A task that was assigned just now. What the manager knows already is believed: an agent that lost its memory
    /// does not run a task again that ended.</summary>
    public static HeldTask Accept(TaskAssignment assignment, DateTimeOffset now)
    {
        var state = assignment.Known > TaskState.Accepted ? assignment.Known : TaskState.Accepted;
        var message = state switch
        {
            TaskState.Accepted => "accepted by the agent",
            _ when state.IsTerminal() => "had ended before this agent knew of it",
            _ => "was known to be " + state.Word() + "; the agent is looking for its container",
        };
        return new HeldTask
        {
            Assignment = assignment,
            Status = new ServiceTaskStatus { State = state, Timestamp = now, Message = message },
        };
    }

    /// <summary>A task that was assigned and cannot be accepted yet, as it is shown meanwhile.</summary>
    public static HeldTask HoldBack(HeldTask task, string why) =>
        task with { Status = task.Status with { State = TaskState.Assigned, Message = $"held back: the agent cannot save it: {why}" } };

    /// <summary>A changed assignment; what is desired never goes back. What a manager names is its own from then on.</summary>
    public static HeldTask Reassign(HeldTask task, TaskAssignment assignment) =>
        task with { Assignment = assignment with { Desired = Later(task.Assignment.Desired, assignment.Desired) }, IsDropped = false, Local = null, EndedUnheard = false };

    /// <summary>What the task shows while a step runs.</summary>
    public static HeldTask Begin(HeldTask task, TaskStep step, DateTimeOffset now) => step switch
    {
        TaskStep.Prepare => Move(task, TaskState.Preparing, "creating the container", now),
        TaskStep.Start => Move(task, TaskState.Starting, "starting the container", now),
        TaskStep.Stop when !task.State.IsTerminal() => Say(task, Stopping(task)),
        _ => task,
    };

    /// <summary>The task once a step that needs no engine was taken.</summary>
    public static HeldTask Take(HeldTask task, TaskStep step, DateTimeOffset now) => step switch
    {
        TaskStep.Abandon => Move(task, TaskState.Shutdown, "stopped before it was started", now),
        TaskStep.Lose => Move(task with { Phase = ContainerPhase.None }, TaskState.Failed, "failed", now,
            err: "its container is gone: somebody else removed it, or the engine lost it"),
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "this step needs the engine"),
    };

    /// <summary>The task once a step came to its end.</summary>
    public static HeldTask After(HeldTask task, TaskStep step, StepOutcome outcome, DateTimeOffset now) => outcome switch
    {
        StepOutcome.Created created => Move(
            WithContainer(task, created.Container, ContainerPhase.Created, created.Addresses), TaskState.Ready, "container created; ready to start", now),
        StepOutcome.Inspected inspected => Observe(task, inspected.Facts, took: null, now),
        StepOutcome.Stopped stopped => Observe(task, stopped.Facts, stopped.Took, now),
        StepOutcome.Removed => task with { Phase = ContainerPhase.None },
        StepOutcome.Failed failed => Fail(task, step, failed, now),
        _ => task,
    };

    /// <summary>The task seen from the engine's list: only what the list proves. The rest needs <see cref="NeedsInspect"/>.</summary>
    public static HeldTask Listed(HeldTask task, ListedContainer? listed, DateTimeOffset now) => listed switch
    {
        null => task with { Phase = ContainerPhase.None },
        { Phase: ContainerPhase.Created } => Move(
            WithContainer(task, listed.Id, ContainerPhase.Created, TaskLabels.ReadAddresses(listed.Labels)), TaskState.Ready, "container created; ready to start", now),
        _ => WithContainer(task, listed.Id, listed.Phase, TaskLabels.ReadAddresses(listed.Labels)),
    };

    /// <summary>Whether the list says too little: the container ended, or runs and how is not known yet.</summary>
    public static bool NeedsInspect(HeldTask before, ListedContainer listed) =>
        !before.State.IsTerminal() && listed.Phase switch
        {
            ContainerPhase.Exited => true,
            ContainerPhase.Running => before.State != TaskState.Running || before.ContainerId != listed.Id
                || listed.Health == ContainerHealth.Unhealthy,
            _ => false,
        };

    /// <summary>Another message; nothing else changes.</summary>
    public static HeldTask Say(HeldTask task, string message) => task with { Status = task.Status with { Message = message } };

    private static HeldTask Observe(HeldTask task, ContainerFacts? facts, TimeSpan? took, DateTimeOffset now)
    {
        var stopping = took is not null || task.Assignment.Desired >= TaskState.Shutdown || task.IsDropped;
        if (facts is null)
        {
            var gone = task with { Phase = ContainerPhase.None };
            return stopping && !task.State.IsTerminal() ? End(gone, null, took, now) : gone;
        }
        var seen = WithContainer(task, facts.Id, facts.Phase);
        return facts.Phase switch
        {
            ContainerPhase.Created => Move(seen, TaskState.Ready, "container created; ready to start", now),
            ContainerPhase.Running => ObserveRunning(seen, facts, now),
            ContainerPhase.Exited => End(seen, facts, took, now),
            _ => seen,
        };
    }

    private static HeldTask ObserveRunning(HeldTask task, ContainerFacts facts, DateTimeOffset now)
    {
        if (!task.State.IsTerminal())
            task = task with { Status = task.Status with { Pid = facts.Pid, Ports = PortsOf(task, facts) } };
        return facts.Health switch
        {
            ContainerHealth.Starting => Move(task, TaskState.Starting, "started; waiting for its health check", now),
            ContainerHealth.Unhealthy => Say(Move(task, TaskState.Starting, "", now) with { Unhealthy = facts.ProbeOutput }, "unhealthy; stopping it"),
            ContainerHealth.Healthy => Since(Move(task, TaskState.Running, "running and healthy", now), now),
            _ => Since(Move(task, TaskState.Running, "running", now), facts.StartedAt ?? now),
        };
    }

    // Of ports that lead to a container in networks of the cluster the engine knows nothing.
    private static ValueList<PortConfig> PortsOf(HeldTask task, ContainerFacts facts) => task.Status.Addresses.IsEmpty
        ? facts.Ports
        : task.Assignment.Template.Spec.Ports.Where(port => port.Published != 0).ToValueList();

    // An adopted task ran before this agent knew of it: without a health check the engine knows since when.
    private static HeldTask Since(HeldTask task, DateTimeOffset runs) =>
        task.State == TaskState.Running && task.Status.RunningSince is null
            ? task with { Status = task.Status with { RunningSince = runs } }
            : task;

    private static HeldTask End(HeldTask task, ContainerFacts? facts, TimeSpan? took, DateTimeOffset now)
    {
        var spec = task.Assignment.Template.Spec;
        ExitReason reason;
        if (task.Assignment.Desired >= TaskState.Shutdown || task.IsDropped)
            reason = ExitReason.OfStopping(facts, spec, took);
        else if (task.Unhealthy is { } output)
            reason = ExitReason.OfUnhealthy(output);
        else if (facts is not null)
            reason = ExitReason.OfItself(facts, spec);
        else
            reason = ExitReason.OfStopping(null, spec, took);

        if (task.State.IsTerminal())
            return task;
        var ended = Move(task, reason.State, reason.Message, now, reason.Err);
        return ended with
        {
            Status = ended.Status with { ExitCode = facts?.ExitCode, OomKilled = facts is { OomKilled: true, ExitCode: not 0 }, Pid = 0, Ports = [], Addresses = [] },
        };
    }

    private static HeldTask Fail(HeldTask task, TaskStep step, StepOutcome.Failed failed, DateTimeOffset now)
    {
        // Whether the work was done is unknown; the engine's list will say.
        if (failed.Fault == EngineFault.Unavailable)
            return task;
        switch (step)
        {
            case TaskStep.Prepare:
                return Move(task, TaskState.Rejected, "could not be prepared", now, failed.Reason);
            case TaskStep.Start:
                var state = failed.Fault == EngineFault.PortTaken ? TaskState.Rejected : TaskState.Failed;
                var ended = Move(task, state, "could not be started", now, failed.Reason);
                return failed.ExitCode is { } code && !task.State.IsTerminal()
                    ? ended with { Status = ended.Status with { ExitCode = code } }
                    : ended;
            default:
                return task.State.IsTerminal() ? task : Say(task, $"{failed.Reason}; trying again");
        }
    }

    private static HeldTask WithContainer(HeldTask task, string container, ContainerPhase phase) =>
        task with { Phase = phase, Status = task.Status with { ContainerId = container } };

    private static HeldTask WithContainer(HeldTask task, string container, ContainerPhase phase, ValueList<TaskAddress> addresses)
    {
        var known = WithContainer(task, container, phase);
        return task.State.IsTerminal() || phase == ContainerPhase.Exited ? known : known with { Status = known.Status with { Addresses = addresses } };
    }

    private static HeldTask Move(HeldTask task, TaskState state, string message, DateTimeOffset now, string err = "")
    {
        if (task.State.IsTerminal() || state < task.State)
            return task;
        return state == task.State
            ? Say(task, message)
            : task with { Status = task.Status with { State = state, Timestamp = now, Message = message, Err = err } };
    }

    private static string Stopping(HeldTask task)
    {
        var container = task.Assignment.Template.Spec.Container;
        var grace = container.StopGracePeriod ?? ExitReason.DefaultGrace;
        return string.Create(
            CultureInfo.InvariantCulture, $"stopping: {container.StopSignal ?? "the stop signal"}, then SIGKILL after {grace.TotalSeconds:0.###} s");
    }

    private static TaskState Later(TaskState left, TaskState right) => left > right ? left : right;
}
