using System.Threading.Channels;
using Berth.Agent.Engine;
using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Tasks;

/// <summary>Holds every task of this node and takes each to where it should be. One loop owns all state; steps run beside it
/// and come back as inputs. What to do is decided by <see cref="TaskSteps"/> and <see cref="TaskTransitions"/>.</summary>
public sealed partial class TaskKeeper(
    StepRunner runner, ITaskMemory memory, TaskBoard board, EngineHealth health, IdSource ids, ILogger log, TimeProvider time)
{
    // Statuses can be learned from the containers again, so they need not be saved one by one.
    private static readonly TimeSpan SavePause = TimeSpan.FromMilliseconds(300);

    // After a save that failed: a full disk does not empty within milliseconds.
    private static readonly TimeSpan SaveRetryPause = TimeSpan.FromSeconds(1);

    private readonly Channel<KeeperInput> _inputs = Channel.CreateUnbounded<KeeperInput>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<TaskId, LiveTask> _tasks = [];
    private readonly Dictionary<string, TaskId> _byContainer = [];
    private readonly HashSet<string> _unknown = [];
    private readonly HashSet<string> _removing = [];
    private readonly HashSet<TaskId> _changed = [];
    private readonly HashSet<TaskId> _forgotten = [];
    private readonly HashSet<TaskId> _unsaved = [];
    private CancellationToken _stopping;
    private bool _engineKnown;
    private bool _fullSetSeen;
    private bool _mustSave;
    private bool _savePlanned;

    /// <summary>Hands the loop an input; never waits.</summary>
    public void Post(KeeperInput input) => _inputs.Writer.TryWrite(input);

    /// <summary>Takes over what an earlier run of the agent held. Before <see cref="RunAsync"/>.</summary>
    public void Restore(IEnumerable<HeldTask> tasks)
    {
        foreach (var task in tasks)
            Put(new LiveTask(task), task);
        Show();
    }

    /// <summary>Runs until the agent stops; containers keep running.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        _stopping = stopping;
        try
        {
            while (await _inputs.Reader.WaitToReadAsync(stopping).ConfigureAwait(false))
            {
                var touched = new HashSet<LiveTask>();
                while (_inputs.Reader.TryRead(out var input))
                    Take(input, touched);
                RestartLocally(touched);
                if (_mustSave && await SaveAsync(stopping).ConfigureAwait(false))
                    TakeSaved(touched);
                Advance(touched);
                Show();
                Settle();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await SaveAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private void Take(KeeperInput input, HashSet<LiveTask> touched)
    {
        switch (input)
        {
            case KeeperInput.Assigned assigned:
                OnAssigned(assigned.Change, touched);
                break;
            case KeeperInput.EngineListed listed:
                OnListed(listed, touched);
                break;
            case KeeperInput.EngineLost:
                _engineKnown = false;
                break;
            case KeeperInput.Happened happened:
                OnHappened(happened.Event, touched);
                break;
            case KeeperInput.StepEnded ended:
                OnStepEnded(ended, touched);
                break;
            case KeeperInput.StepSays says when _tasks.TryGetValue(says.Task, out var live) && !live.Task.State.IsTerminal():
                Put(live, TaskTransitions.Say(live.Task, says.Message));
                break;
            case KeeperInput.UnknownRemoved removed:
                _removing.Remove(removed.Container);
                _unknown.Remove(removed.Container);
                break;
            case KeeperInput.SaveDue:
                _savePlanned = false;
                _mustSave = true;
                break;
            default:
                TakeNews(input);
                break;
        }
    }

    private void OnAssigned(AssignmentChange change, HashSet<LiveTask> touched)
    {
        var held = _tasks.ToDictionary(entry => entry.Key, entry => entry.Value.Task);
        foreach (var task in AssignmentRules.Apply(held, change, time.GetUtcNow()))
        {
            var live = _tasks.GetValueOrDefault(task.Id) ?? new LiveTask(task);
            if (!_tasks.ContainsKey(task.Id))
                _unsaved.Add(task.Id);
            Put(live, task);
            if (task.IsDropped || task.Assignment.Desired >= TaskState.Shutdown)
                live.GiveUp();
            touched.Add(live);
        }
        _fullSetSeen |= change.IsFull;
        _mustSave = true;
        RemoveUnknown();
    }

    private void OnListed(KeeperInput.EngineListed list, HashSet<LiveTask> touched)
    {
        _engineKnown = true;
        _unknown.Clear();
        var byTask = new Dictionary<TaskId, ListedContainer>();
        foreach (var container in list.Containers)
        {
            var known = TaskId.TryParse(container.Labels.GetValueOrDefault(TaskLabels.Task), out var id) && _tasks.ContainsKey(id);
            if (!known || !byTask.TryAdd(id, container))
                _unknown.Add(container.Id);
        }
        foreach (var live in _tasks.Values)
        {
            touched.Add(live);
            var listed = byTask.GetValueOrDefault(live.Task.Id);
            // A step that runs, or ended since, makes the list stale for its task: what it brings back is newer.
            if (live.Running != TaskStep.None || live.LastStep > list.AsOf)
            {
                live.Recheck |= live.Running != TaskStep.None && !live.Task.State.IsTerminal();
                continue;
            }
            live.Recheck = listed is not null && TaskTransitions.NeedsInspect(live.Task, listed);
            Put(live, TaskTransitions.Listed(live.Task, listed, time.GetUtcNow()));
        }
        RemoveUnknown();
        _ = SweepAsync(list);
    }

    private void OnHappened(EngineEvent happened, HashSet<LiveTask> touched)
    {
        if (!_byContainer.TryGetValue(happened.Container, out var id) || !_tasks.TryGetValue(id, out var live))
            return;
        var settled = live.Task.State.IsTerminal() && happened.Kind != EngineEventKind.Destroyed;
        live.Recheck |= !settled;
        touched.Add(live);
    }

    private void OnStepEnded(KeeperInput.StepEnded ended, HashSet<LiveTask> touched)
    {
        if (!_tasks.TryGetValue(ended.Task, out var live))
            return;
        live.Done(time.GetTimestamp());
        if (ended.Outcome is StepOutcome.Failed { Fault: EngineFault.Unavailable })
            Doubt();
        live.Recheck |= ended is { Step: TaskStep.Inspect, Outcome: StepOutcome.Failed };
        Complain(live, ended);
        var before = live.Task;
        Put(live, TaskTransitions.After(before, ended.Step, ended.Outcome, time.GetUtcNow()));
        if (live.Task.State != before.State && live.Task.State.IsTerminal())
            log.LogInformation("task {Task} of {Service}: {State}: {Reason}",
                live.Task.Id, live.Task.Assignment.Template.ServiceName, live.Task.State.Word(), live.Task.Status.Err.Length > 0 ? live.Task.Status.Err : live.Task.Status.Message);
        touched.Add(live);
    }

    // What is tried again each second is said once. A task that was dropped has no status in which anybody could read it.
    private void Complain(LiveTask live, KeeperInput.StepEnded ended)
    {
        var complaint = ended is { Step: TaskStep.Inspect or TaskStep.Stop or TaskStep.Remove, Outcome: StepOutcome.Failed failed } ? failed.Reason : "";
        if (complaint.Length > 0 && complaint != live.Complaint)
            log.LogWarning("container {Container} of task {Task}: {Reason}; trying again", live.Task.ContainerId, live.Task.Id, complaint);
        live.Complaint = complaint;
    }

    // One call broke off: nothing more is begun until the engine was listed again.
    private void Doubt()
    {
        _engineKnown = false;
        health.Doubt();
    }

    private void Advance(HashSet<LiveTask> touched)
    {
        if (!_engineKnown)
            return;
        foreach (var live in touched)
        {
            while (live.Running == TaskStep.None && _tasks.ContainsKey(live.Task.Id) && !IsHeldBack(live.Task))
            {
                var step = live.Recheck && live.Task.Phase != ContainerPhase.None ? TaskStep.Inspect : TaskSteps.Next(live.Task);
                if (step == TaskStep.None)
                    break;
                if (step == TaskStep.Forget)
                    Forget(live);
                else if (step is TaskStep.Abandon or TaskStep.Lose)
                    Put(live, TaskTransitions.Take(live.Task, step, time.GetUtcNow()));
                else
                    Begin(live, step);
            }
        }
    }

    private void Begin(LiveTask live, TaskStep step)
    {
        if (step == TaskStep.Inspect)
            live.Recheck = false;
        Put(live, TaskTransitions.Begin(live.Task, step, time.GetUtcNow()));
        _ = RunAsync(live.Task, step, live.Begin(step, _stopping));
    }

    private async Task RunAsync(HeldTask task, TaskStep step, CancellationToken giveUp)
    {
        try
        {
            var outcome = await runner.RunAsync(
                task, step, message => Post(new KeeperInput.StepSays(task.Id, message)), giveUp, _stopping).ConfigureAwait(false);
            Post(new KeeperInput.StepEnded(task.Id, step, outcome));
        }
        catch (Exception bug)
        {
            // Nobody awaits a step: the loop fails with it, and the restarted agent takes the containers over.
            _inputs.Writer.TryComplete(bug);
        }
    }

    // Containers that carry this node's label and no task: of a past that only a manager's full set can confirm to be over.
    private void RemoveUnknown()
    {
        if (!_engineKnown || !_fullSetSeen)
            return;
        foreach (var container in _unknown)
        {
            if (_removing.Add(container))
                _ = RemoveUnknownAsync(container);
        }
    }

    private async Task RemoveUnknownAsync(string container)
    {
        try
        {
            log.LogInformation("removing container {Container}: it belongs to no task of this node", container);
            await runner.RemoveUnknownAsync(container, _stopping).ConfigureAwait(false);
        }
        catch (Exception error) when (error is EngineException or OperationCanceledException)
        {
            log.LogWarning("container {Container} belongs to no task and could not be removed: {Reason}; the next listing tries again", container, error.Message);
        }
        Post(new KeeperInput.UnknownRemoved(container));
    }

    private void Put(LiveTask live, HeldTask task)
    {
        task = NoteEnd(live, task);
        if (_tasks.TryAdd(task.Id, live) || !ReferenceEquals(live.Task, task))
            _changed.Add(task.Id);
        if (live.Task.ContainerId != task.ContainerId)
            _byContainer.Remove(live.Task.ContainerId);
        if (task.ContainerId.Length > 0)
            _byContainer[task.ContainerId] = task.Id;
        TaskMetrics.Changed(live.Task, task, time.GetElapsedTime(live.WantedSince(task, time)));
        live.Task = task;
    }

    private void Forget(LiveTask live)
    {
        _tasks.Remove(live.Task.Id);
        _byContainer.Remove(live.Task.ContainerId);
        _changed.Remove(live.Task.Id);
        _unsaved.Remove(live.Task.Id);
        _forgotten.Add(live.Task.Id);
    }

    // An assignment is begun, and reported as accepted, only when it would outlive a crash; stopping needs no memory.
    private bool IsHeldBack(HeldTask task) =>
        _unsaved.Contains(task.Id) && !task.IsDropped && task.Assignment.Desired < TaskState.Shutdown;

    private void Show()
    {
        if (_changed.Count == 0 && _forgotten.Count == 0)
            return;
        board.Show([.. _changed.Select(id => Shown(_tasks[id].Task))], _forgotten);
        _changed.Clear();
        _forgotten.Clear();
        PlanSave(SavePause);
    }

    private HeldTask Shown(HeldTask task) =>
        IsHeldBack(task) ? TaskTransitions.HoldBack(task, health.DiskTrouble ?? "it is being saved") : task;

    private void PlanSave(TimeSpan pause)
    {
        if (_savePlanned)
            return;
        _savePlanned = true;
        _ = SaveLaterAsync(pause);
    }

    private async Task SaveLaterAsync(TimeSpan pause)
    {
        await Task.Delay(pause, time, CancellationToken.None).ConfigureAwait(false);
        Post(new KeeperInput.SaveDue());
    }

    // A full disk ends nothing that runs: without its agent the node would be called down, and all of it started elsewhere too.
    private async Task<bool> SaveAsync(CancellationToken cancellation)
    {
        _mustSave = false;
        try
        {
            await memory.SaveAsync([.. _tasks.Values.Select(live => live.Task)], cancellation).ConfigureAwait(false);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
        {
            if (health.CannotSave(broken.Message))
                log.LogError("the tasks cannot be saved: {Reason}; no new one is begun until they can", broken.Message);
            PlanSave(SaveRetryPause);
            return false;
        }
        if (health.CannotSave(null))
            log.LogInformation("the tasks can be saved again");
        return true;
    }

    private void TakeSaved(HashSet<LiveTask> touched)
    {
        touched.UnionWith(_unsaved.Select(id => _tasks[id]));
        _changed.UnionWith(_unsaved);
        _unsaved.Clear();
    }

    /// <summary>A task and the step that runs for it.</summary>
    private sealed class LiveTask(HeldTask task)
    {
        private CancellationTokenSource? _giveUp;

        public HeldTask Task { get; set; } = task;

        public TaskStep Running { get; private set; }

        private long? _wantedSince;

        /// <summary>Since when it is meant to run, as a timestamp.</summary>
        public long WantedSince(HeldTask now, TimeProvider time)
        {
            if (_wantedSince is null || now.Assignment.Desired >= TaskState.Running && Task.Assignment.Desired < TaskState.Running)
                _wantedSince = time.GetTimestamp();
            return _wantedSince.Value;
        }

        /// <summary>When its last step ended, as a timestamp.</summary>
        public long LastStep { get; private set; } = long.MinValue;

        // Something happened to its container that only an inspect explains.
        public bool Recheck { get; set; }

        /// <summary>What its last step failed with and was said; empty when it did not fail.</summary>
        public string Complaint { get; set; } = "";

        /// <summary>When it ended while a manager listened, as a timestamp.</summary>
        public long? EndedAt { get; set; }

        public CancellationToken Begin(TaskStep step, CancellationToken stopping)
        {
            Running = step;
            _giveUp = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            return _giveUp.Token;
        }

        public void GiveUp() => _giveUp?.Cancel();

        public void Done(long now)
        {
            LastStep = now;
            Running = TaskStep.None;
            _giveUp?.Dispose();
            _giveUp = null;
        }
    }
}
