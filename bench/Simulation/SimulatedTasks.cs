using Berth.Protocol.V1;

namespace Berth.Bench.Simulation;

/// <summary>The tasks of one simulated agent: they 'run' as soon as they are assigned.</summary>
public sealed class SimulatedTasks
{
    private readonly Dictionary<string, TaskState> _tasks = [];

    /// <summary>All of them, as an agent that registers tells of them.</summary>
    public IEnumerable<TaskReport> Reports => _tasks.Select(task => Report(task.Key, task.Value));

    /// <summary>Does what a manager says.</summary>
    /// <returns>What to report, and how many tasks are new.</returns>
    public (StatusReport Report, int Added) Obey(AssignmentSet set)
    {
        var report = new StatusReport();
        var added = 0;
        foreach (var assignment in set.Tasks)
        {
            var state = assignment.DesiredState switch
            {
                >= TaskState.Shutdown => TaskState.Shutdown,
                TaskState.Running => TaskState.Running,
                _ => TaskState.Ready,
            };
            if (_tasks.TryGetValue(assignment.TaskId, out var known))
            {
                if (known >= state)
                    continue;
            }
            else
            {
                added++;
            }
            _tasks[assignment.TaskId] = state;
            report.Tasks.Add(Report(assignment.TaskId, state));
        }
        foreach (var removed in set.Removed)
            _tasks.Remove(removed);
        return (report, added);
    }

    private static TaskReport Report(string task, TaskState state) => new()
    {
        TaskId = task,
        State = state,
        Message = state == TaskState.Running ? "started" : "",
        ContainerId = state == TaskState.Running ? task + task + "00000000000000" : "",
        Pid = state == TaskState.Running ? 4711 : 0,
    };
}
