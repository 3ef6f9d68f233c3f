using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Tasks;

/// <summary>What the keeper does while no manager is there. <see cref="LocalRestarts"/> decides it.</summary>
public sealed partial class TaskKeeper
{
    private readonly List<TaskCompletionSource> _settling = [];
    private bool _isAway;
    private bool _isHeard;
    private DateTimeOffset? _restartDue;

    private void TakeNews(KeeperInput input)
    {
        switch (input)
        {
            case KeeperInput.ManagersAway:
                _isAway = true;
                break;
            case KeeperInput.Registering registering:
                _isAway = false;
                _settling.Add(registering.Settled);
                break;
            case KeeperInput.SessionBegan:
                _isHeard = true;
                break;
            case KeeperInput.SessionEnded ended:
                _isHeard = false;
                DoubtEndsSince(ended.LastHeard);
                break;
            case KeeperInput.RestartDue:
                _restartDue = null;
                break;
        }
    }

    // What ended just before a manager fell silent was said into the void.
    private void DoubtEndsSince(long lastHeard)
    {
        foreach (var live in _tasks.Values)
        {
            if (live.EndedAt >= lastHeard && live.Task.Assignment.Desired <= TaskState.Running)
                Put(live, live.Task with { EndedUnheard = true });
            live.EndedAt = null;
        }
    }

    private HeldTask NoteEnd(LiveTask live, HeldTask task)
    {
        if (live.Task.State.IsTerminal() || !task.State.IsTerminal() || task.Assignment.Desired > TaskState.Running)
            return task;
        if (!_isHeard)
        {
            // Also an end that was found while advancing is looked at.
            Post(new KeeperInput.RestartDue());
            return task with { EndedUnheard = true };
        }
        live.EndedAt = time.GetTimestamp();
        return task;
    }

    private void RestartLocally(HashSet<LiveTask> touched)
    {
        if (!_isAway || !_engineKnown)
            return;
        foreach (var task in LocalRestarts.Decide(_tasks.Values.Select(live => live.Task), time.GetUtcNow(), ids))
        {
            var isNew = !_tasks.TryGetValue(task.Id, out var known);
            var live = known ?? new LiveTask(task);
            Put(live, task);
            touched.Add(live);
            if (!isNew)
                continue;
            _unsaved.Add(task.Id);
            _mustSave = true;
            TaskMetrics.RestartedLocally();
            log.LogInformation("no manager is there: task {Task} of {Service} follows {Root} in slot {Slot}, not before {Starts:u}",
                task.Id, task.Assignment.Template.ServiceName, task.Local!.Root, task.Assignment.Slot, task.Local.Starts);
        }
        if (LocalRestarts.NextDue(_tasks.Values.Select(live => live.Task)) is { } due && (_restartDue is null || due < _restartDue))
        {
            _restartDue = due;
            _ = RestartLaterAsync(due - time.GetUtcNow());
        }
    }

    private async Task RestartLaterAsync(TimeSpan wait)
    {
        await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, time, _stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Post(new KeeperInput.RestartDue());
    }

    private void Settle()
    {
        foreach (var settled in _settling)
            settled.TrySetResult();
        _settling.Clear();
    }
}
