using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>What is to change for one service.</summary>
/// <param name="Changes">In the order they take effect; empty when all is as wanted.</param>
/// <param name="AskAgainAt">When time alone changes the answer; null when it does not.</param>
/// <param name="IsSettled">Whether each slot has one task on its way or running, and nothing is being replaced: how far such
/// a task comes, short of its end, changes nothing here.</param>
public sealed record OrchestrationDecision(ImmutableArray<Change> Changes, DateTimeOffset? AskAgainAt, bool IsSettled = false);

/// <summary>Collects one service's changes while they are decided.</summary>
internal sealed class Draft(ServiceView view, DateTimeOffset now, IdSource ids)
{
    private readonly ImmutableArray<Change>.Builder _changes = ImmutableArray.CreateBuilder<Change>();
    private DateTimeOffset? _askAgainAt;

    /// <summary>The service as it is decided to be.</summary>
    public ServiceView View { get; private set; } = view;

    public DateTimeOffset Now => now;

    public OrchestrationDecision Decide(bool isSettled) => new(_changes.ToImmutable(), _askAgainAt, isSettled && _changes.Count == 0);

    public void AskAgain(DateTimeOffset? at)
    {
        if (at is { } instant && (_askAgainAt is null || instant < _askAgainAt))
            _askAgainAt = instant;
    }

    public void Become(Service service)
    {
        View = View.With(service);
        _changes.Add(new Change.ServicePut(service));
    }

    /// <summary>Makes a task; it prepares only while it must wait.</summary>
    public void Create(SlotKey slot, long specVersion, bool prepareOnly, int attempt = 0, DateTimeOffset? notBefore = null)
    {
        if (notBefore <= now)
            notBefore = null;
        AskAgain(notBefore);
        var desired = prepareOnly || notBefore is not null ? TaskState.Ready : TaskState.Running;
        NodeId? node = slot.Number == 0 ? slot.Node : null;
        _changes.Add(new Change.TaskCreated(new TaskId(ids.Next()), View.Service.Id, slot.Number, node, specVersion, desired, attempt, notBefore));
    }

    public void Run(ServiceTask task) => Desire(task, TaskState.Running, "its time has come");

    /// <summary>Tells a task to stop. One that no agent has been told of ends here and now: nobody else would report it.</summary>
    public void Stop(ServiceTask task, string reason)
    {
        if (task.State.IsTerminal())
            return;
        Desire(task, TaskState.Shutdown, reason);
        Settle(task, reason);
    }

    /// <summary>Tells a task to stop and be forgotten; forgets it at once when there is nothing to stop.</summary>
    public void Remove(ServiceTask task, string reason)
    {
        if (IsForgettable(task))
            Forget(task);
        else
            Desire(task, TaskState.Remove, reason);
    }

    /// <summary>Ends a stopping task that no agent will ever report: it was not placed, or its node is no member any more.</summary>
    public void Settle(ServiceTask task, string reason)
    {
        if (task.State < TaskState.Assigned)
            End(task, TaskState.Shutdown, $"stopped before it was placed: {reason}");
        else if (View.NodeOf(task) is null)
            End(task, TaskState.Orphaned, "its node is no longer a member of the cluster");
    }

    /// <summary>Whether forgetting the task leaves nothing running: it ended, was never placed, or its node is down (an
    /// agent that returns stops whatever its full set lacks).</summary>
    public bool IsForgettable(ServiceTask task) =>
        task.State.IsTerminal() || task.State < TaskState.Assigned || View.IsLost(task);

    public void Forget(ServiceTask task) => _changes.Add(new Change.TaskRemoved(task.Id));

    public void Respecify(ServiceTask task) => _changes.Add(new Change.TaskRespecified(task.Id, View.Wanted));

    /// <summary>Writes beside an ended task why nothing follows it.</summary>
    public void Annotate(ServiceTask task, string note)
    {
        if (!task.Status.Message.EndsWith(note, StringComparison.Ordinal))
            _changes.Add(new Change.TaskEnded(task.Id, task.Status with
            {
                Message = task.Status.Message.Length == 0 ? note : $"{task.Status.Message}; {note}",
            }));
    }

    private void Desire(ServiceTask task, TaskState desired, string reason)
    {
        if (task.DesiredState < desired)
            _changes.Add(new Change.TaskDesired(task.Id, desired, reason));
    }

    private void End(ServiceTask task, TaskState state, string message) =>
        _changes.Add(new Change.TaskEnded(task.Id, task.Status with { State = state, Timestamp = now, Message = message }));
}
