using Berth.Model;

namespace Berth.Protocol;

/// <summary>Which templates both ends of an agent's session remember: those that a task it was told of names. Kept by the same
/// rule on both sides, so that the manager leaves out exactly what the agent has.</summary>
/// <typeparam name="TKey">What names a template.</typeparam>
public sealed class NamedTemplates<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TaskId, TKey> _byTask = [];
    private readonly Dictionary<TKey, int> _uses = [];

    /// <summary>Templates that are remembered now.</summary>
    public IReadOnlyCollection<TKey> All => _uses.Keys;

    /// <summary>Whether a template is remembered.</summary>
    public bool Contains(TKey template) => _uses.ContainsKey(template);

    /// <summary>A set was sent, or came: what no task names after it is forgotten.</summary>
    /// <param name="isFull">Whether tasks it does not name are gone.</param>
    /// <param name="tasks">Tasks it puts, with their templates.</param>
    /// <param name="removed">Tasks it removes.</param>
    public void Apply(bool isFull, IEnumerable<(TaskId Task, TKey Template)> tasks, IEnumerable<TaskId> removed)
    {
        if (isFull)
        {
            _byTask.Clear();
            _uses.Clear();
        }
        foreach (var (task, template) in tasks)
        {
            // First, or a template that only this task names would be forgotten in between.
            _uses[template] = _uses.GetValueOrDefault(template) + 1;
            Unname(task);
            _byTask[task] = template;
        }
        foreach (var task in removed)
            Unname(task);
    }

    private void Unname(TaskId task)
    {
        if (!_byTask.Remove(task, out var template))
            return;
        if (_uses[template] == 1)
            _uses.Remove(template);
        else
            _uses[template]--;
    }
}
