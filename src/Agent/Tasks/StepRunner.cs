using System.Diagnostics;
using Berth.Agent.Engine;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Telemetry;

namespace Berth.Agent.Tasks;

/// <summary>Carries out one step of one task against the engine, within the gates that keep a host responsive.</summary>
/// <remarks>A first start costs two calls, create and start, and one inspect for the process id and ports. Whether the image is
/// here is not asked: creating says so (docs/decisions on local images).</remarks>
public sealed class StepRunner(IEngine engine, ImagePulls images, TaskConnections connections, AgentIdentity identity, TimeProvider time)
{
    private const int InspectsAtOnce = 8;
    private const int RemovesAtOnce = 3;
    private const int StopsAtOnce = 64;
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly WorkGate _starts = new(2 * Environment.ProcessorCount);
    private readonly WorkGate _inspects = new(InspectsAtOnce);
    private readonly WorkGate _removes = new(RemovesAtOnce);
    private readonly WorkGate _stops = new(StopsAtOnce);

    /// <summary>Does <paramref name="step"/>; engine failures are outcomes, not exceptions.</summary>
    /// <param name="task">The task as it was when the step was chosen.</param>
    /// <param name="step">What to do.</param>
    /// <param name="say">Takes what the step waits for, for people.</param>
    /// <param name="giveUp">Something else is wanted now; only work that has not begun is given up.</param>
    /// <param name="stopping">The agent stops.</param>
    public async Task<StepOutcome> RunAsync(HeldTask task, TaskStep step, Action<string> say, CancellationToken giveUp, CancellationToken stopping)
    {
        using var span = step is TaskStep.Prepare or TaskStep.Start ? BerthTrace.Continue(step == TaskStep.Prepare ? "prepare task" : "start task", task.Assignment.Trace) : null;
        span?.SetTag("berth.task", task.Id.ToString()).SetTag("berth.service", task.Assignment.Template.ServiceName).SetTag("berth.node", identity.Node.ToString());
        var outcome = await TryAsync(task, step, say, giveUp, stopping).ConfigureAwait(false);
        if (outcome is StepOutcome.Failed failed)
            span?.SetStatus(ActivityStatusCode.Error, failed.Reason);
        await connections.AfterAsync(task, step, outcome).ConfigureAwait(false);
        return outcome;
    }

    /// <summary>Takes in what the engine has of containers in networks of the cluster.</summary>
    /// <param name="containers">All of this node.</param>
    /// <param name="tasks">Tasks held, by id.</param>
    /// <param name="asOf">Timestamp from before the list was asked for.</param>
    public Task ListedAsync(IEnumerable<ListedContainer> containers, Func<TaskId, HeldTask?> tasks, long asOf) => connections.ListedAsync(containers, tasks, asOf);

    private async Task<StepOutcome> TryAsync(HeldTask task, TaskStep step, Action<string> say, CancellationToken giveUp, CancellationToken stopping)
    {
        try
        {
            return step switch
            {
                TaskStep.Prepare => await PrepareAsync(task, say, giveUp, stopping).ConfigureAwait(false),
                TaskStep.Start => await StartAsync(task, giveUp, stopping).ConfigureAwait(false),
                TaskStep.Inspect => await InspectAsync(task, stopping).ConfigureAwait(false),
                TaskStep.Stop => await StopAsync(task, stopping).ConfigureAwait(false),
                TaskStep.Remove => await RemoveAsync(task.ContainerId, stopping).ConfigureAwait(false),
                _ => throw new ArgumentOutOfRangeException(nameof(step), step, "this step needs no engine"),
            };
        }
        catch (OperationCanceledException)
        {
            return new StepOutcome.Cancelled();
        }
        catch (EngineException failed)
        {
            // Prepare and Start end with their failure; the others are tried again, not in a tight loop.
            if (step is not (TaskStep.Prepare or TaskStep.Start) && failed.Fault != EngineFault.Unavailable)
                await Task.Delay(RetryPause, time, CancellationToken.None).ConfigureAwait(false);
            return new StepOutcome.Failed(failed.Fault, failed.Message);
        }
    }

    /// <summary>Stops and deletes a container that belongs to no task.</summary>
    public async Task RemoveUnknownAsync(string container, CancellationToken stopping)
    {
        using (await _stops.EnterAsync(urgency: 1, stopping).ConfigureAwait(false))
            await engine.StopAsync(container, ExitReason.DefaultGrace, stopping).ConfigureAwait(false);
        await RemoveAsync(container, stopping).ConfigureAwait(false);
        await connections.RemovedAsync(container).ConfigureAwait(false);
    }

    private async Task<StepOutcome> PrepareAsync(HeldTask task, Action<string> say, CancellationToken giveUp, CancellationToken stopping)
    {
        var image = task.Assignment.Template.Spec.Container.Image;
        var addresses = await connections.ReserveAsync(task, say, giveUp).ConfigureAwait(false);
        var request = TaskConnections.Connect(Request(task.Assignment), task.Id, addresses);
        try
        {
            return await CreateAsync(task, request, addresses, giveUp, stopping).ConfigureAwait(false);
        }
        catch (EngineException missing) when (missing.Fault == EngineFault.ImageMissing)
        {
            say($"pulling image '{image}'");
        }
        await images.PullAsync(image, giveUp).ConfigureAwait(false);
        say("creating the container");
        return await CreateAsync(task, request, addresses, giveUp, stopping).ConfigureAwait(false);
    }

    private async Task<StepOutcome> CreateAsync(
        HeldTask task, ContainerRequest request, ValueList<TaskAddress> addresses, CancellationToken giveUp, CancellationToken stopping)
    {
        using var place = await _starts.EnterAsync(Urgency(task), giveUp).ConfigureAwait(false);
        return new StepOutcome.Created(await engine.CreateAsync(request, stopping).ConfigureAwait(false)) { Addresses = addresses };
    }

    private async Task<StepOutcome> StartAsync(HeldTask task, CancellationToken giveUp, CancellationToken stopping)
    {
        using var place = await _starts.EnterAsync(urgency: 0, giveUp).ConfigureAwait(false);
        await connections.AttachAsync(task).ConfigureAwait(false);
        try
        {
            await engine.StartAsync(task.ContainerId, stopping).ConfigureAwait(false);
        }
        catch (EngineException failed) when (failed.Fault is EngineFault.Refused or EngineFault.PortTaken)
        {
            var facts = await engine.InspectAsync(task.ContainerId, stopping).ConfigureAwait(false);
            return new StepOutcome.Failed(failed.Fault, failed.Message, facts is { ExitCode: not 0 } ? facts.ExitCode : null);
        }
        return new StepOutcome.Inspected(await engine.InspectAsync(task.ContainerId, stopping).ConfigureAwait(false));
    }

    private async Task<StepOutcome> InspectAsync(HeldTask task, CancellationToken stopping)
    {
        using var place = await _inspects.EnterAsync(urgency: 0, stopping).ConfigureAwait(false);
        return new StepOutcome.Inspected(await engine.InspectAsync(task.ContainerId, stopping).ConfigureAwait(false));
    }

    private async Task<StepOutcome> StopAsync(HeldTask task, CancellationToken stopping)
    {
        using var place = await _stops.EnterAsync(urgency: 0, stopping).ConfigureAwait(false);
        var begun = time.GetTimestamp();
        var grace = task.Assignment.Template.Spec.Container.StopGracePeriod ?? ExitReason.DefaultGrace;
        await engine.StopAsync(task.ContainerId, grace, stopping).ConfigureAwait(false);
        var took = time.GetElapsedTime(begun);
        return new StepOutcome.Stopped(await engine.InspectAsync(task.ContainerId, stopping).ConfigureAwait(false), took);
    }

    private async Task<StepOutcome> RemoveAsync(string container, CancellationToken stopping)
    {
        using var place = await _removes.EnterAsync(urgency: 0, stopping).ConfigureAwait(false);
        await engine.RemoveAsync(container, stopping).ConfigureAwait(false);
        return new StepOutcome.Removed();
    }

    private ContainerRequest Request(TaskAssignment task)
    {
        var template = task.Template;
        var name = TaskLabels.ContainerName(template.ServiceName, task.Slot, task.Id, identity.Node);
        var labels = TaskLabels.For(
            template.Spec.Container.Labels, template.ServiceId, template.ServiceName, task.Slot, task.Id, identity.Node, identity.Cluster);
        return new ContainerRequest(name, template.Spec, labels);
    }

    // What is to run at once goes before what is only prepared.
    private static int Urgency(HeldTask task) => task.Assignment.Desired >= TaskState.Running ? 1 : 2;
}
