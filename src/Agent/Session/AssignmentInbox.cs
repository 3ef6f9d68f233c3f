using System.Globalization;
using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>What a manager sent cannot be followed; the session is begun anew.</summary>
public sealed class ProtocolException(string message) : Exception(message);

/// <summary>Reads one session's assignment sets: in order, of an epoch that is obeyed, with templates sent once for as long as a
/// task names them.</summary>
public sealed class AssignmentInbox(long epoch)
{
    private long _epoch = epoch;
    private readonly Dictionary<string, TaskTemplate> _templates = [];
    private readonly NamedTemplates<string> _named = new();
    private long? _sequence;

    /// <summary>The highest epoch so far: leaders change while a session with a standby goes on.</summary>
    public long Epoch => _epoch;

    /// <summary>Templates that later sets may name without sending them.</summary>
    public IReadOnlyCollection<string> Templates => _templates.Keys;

    /// <summary>Reads the next set.</summary>
    /// <param name="set">As it came.</param>
    /// <param name="held">What the agent holds: a task may be named without its template when it is held already.</param>
    /// <exception cref="ProtocolException">A set is missing, the epoch is old, or a template is.</exception>
    public AssignmentChange Read(V1.AssignmentSet set, IReadOnlyDictionary<TaskId, HeldTask> held)
    {
        if (set.Epoch < _epoch)
            throw new ProtocolException(string.Create(CultureInfo.InvariantCulture, $"assignments of epoch {set.Epoch}, but {_epoch} is obeyed: they come from a manager that leads no more"));
        if (_sequence is null && !set.Full)
            throw new ProtocolException("the first assignment set of a session must be a full one");
        if (_sequence is { } last && set.Sequence != last + 1)
            throw new ProtocolException(string.Create(CultureInfo.InvariantCulture, $"assignment set {set.Sequence} came after {last}: one is missing"));
        _sequence = set.Sequence;
        _epoch = set.Epoch;
        foreach (var (key, template) in set.Templates)
            _templates[key] = template.ToModel();
        var change = new AssignmentChange(
            set.Full,
            [.. set.Tasks.Select(task => task.ToModel(Template(task, held)))],
            [.. set.Removed.Select(TaskId.Parse)]);
        Forget(set, change);
        return change;
    }

    private void Forget(V1.AssignmentSet set, AssignmentChange change)
    {
        _named.Apply(set.Full, change.Tasks.Zip(set.Tasks, (task, wire) => (task.Id, wire.Template)), change.Removed);
        foreach (var key in _templates.Keys.Where(key => !_named.Contains(key)).ToList())
            _templates.Remove(key);
    }

    private TaskTemplate Template(V1.Assignment task, IReadOnlyDictionary<TaskId, HeldTask> held)
    {
        if (_templates.TryGetValue(task.Template, out var template))
            return template;
        return TaskId.TryParse(task.TaskId, out var id) && held.TryGetValue(id, out var known)
            ? known.Assignment.Template
            : throw new ProtocolException($"task {task.TaskId} names the template '{task.Template}', which was not sent in this session");
    }
}
