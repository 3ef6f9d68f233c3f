using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>Where the keeper shows the tasks it holds, and others learn which changed.</summary>
public sealed class TaskBoard
{
    private readonly Lock _lock = new();
    private readonly HashSet<TaskId> _changed = [];
    private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImmutableDictionary<TaskId, HeldTask> _tasks = ImmutableDictionary<TaskId, HeldTask>.Empty;

    /// <summary>All tasks held now.</summary>
    public ImmutableDictionary<TaskId, HeldTask> Tasks => Volatile.Read(ref _tasks);

    /// <summary>Shows tasks that changed and takes down those that were forgotten.</summary>
    public void Show(IReadOnlyCollection<HeldTask> changed, IReadOnlyCollection<TaskId> forgotten)
    {
        if (changed.Count == 0 && forgotten.Count == 0)
            return;
        lock (_lock)
        {
            Volatile.Write(ref _tasks, _tasks.SetItems(changed.Select(task => KeyValuePair.Create(task.Id, task))).RemoveRange(forgotten));
            _changed.UnionWith(changed.Select(task => task.Id));
            _signal.TrySetResult();
        }
    }

    /// <summary>Waits until a task changed since the last <see cref="TakeChanged"/>.</summary>
    public Task WaitAsync(CancellationToken cancellation)
    {
        lock (_lock)
            return _signal.Task.WaitAsync(cancellation);
    }

    /// <summary>The tasks that changed since the last call, each once, as they are now.</summary>
    public IReadOnlyList<HeldTask> TakeChanged()
    {
        lock (_lock)
        {
            var taken = _changed.Where(_tasks.ContainsKey).Select(id => _tasks[id]).ToList();
            _changed.Clear();
            _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return taken;
        }
    }
}
