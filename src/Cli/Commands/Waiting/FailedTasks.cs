using Berth.Cli.Output;
using Berth.Protocol.V1;
using TaskState = Berth.Model.TaskState;

namespace Berth.Cli.Commands.Waiting;

/// <summary>Which tasks explain a failed update: pure.</summary>
internal static class FailedTasks
{
    private const int MostShown = 3;

    /// <summary>The newest failed tasks in words, different reasons first; empty when none failed.</summary>
    /// <param name="rows">All tasks of the service, history included.</param>
    /// <param name="rollout">The rollout that failed; its tasks go before others.</param>
    public static IReadOnlyList<string> Explain(IEnumerable<TaskRow> rows, Rollout? rollout)
    {
        var ofRollout = (rollout?.Failed ?? []).ToHashSet(StringComparer.Ordinal);
        var failed = rows.Where(HasFailed).ToList();
        var counted = failed.Where(row => ofRollout.Contains(row.Task.Id)).ToList();
        return
        [
            .. (counted.Count > 0 ? counted : failed)
                .OrderByDescending(row => row.Task.Status.Timestamp)
                .DistinctBy(row => row.Task.Status.Err)
                .Take(MostShown)
                .Select(ServiceProgressText.Replica),
        ];
    }

    private static bool HasFailed(TaskRow row) =>
        (TaskState)row.Task.Status.State is TaskState.Failed or TaskState.Rejected
        || ((TaskState)row.Task.Status.State < TaskState.Running && row.Task.Status.Err.Length > 0);
}
