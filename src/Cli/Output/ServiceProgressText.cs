using Berth.Model;
using Berth.Protocol.V1;
using TaskState = Berth.Model.TaskState;

namespace Berth.Cli.Output;

/// <summary>How services converge, in words: pure functions of what the manager says.</summary>
internal static class ServiceProgressText
{
    /// <summary>One line for each change from <paramref name="before"/> to <paramref name="now"/>, for output that is not
    /// redrawn: a replica's new state and why, and what became of a service.</summary>
    public static IEnumerable<string> Changes(ServicesProgress? before, ServicesProgress now)
    {
        foreach (var service in now.Services)
        {
            var earlier = before?.Services.FirstOrDefault(other => other.Id == service.Id);
            var known = (earlier?.Tasks ?? []).ToDictionary(row => row.Task.Id, Replica);
            foreach (var row in service.Tasks)
            {
                var line = Replica(row);
                // What ran already when the wait began is no news.
                if (before is null && State(row) == TaskState.Running)
                    continue;
                if (IsWorthALine(row) && known.GetValueOrDefault(row.Task.Id) != line)
                    yield return line;
            }
            if (service.Verdict != earlier?.Verdict && Verdict(service) is { } verdict)
                yield return verdict;
        }
    }

    /// <summary>The live view: each service with its replicas, at most <paramref name="height"/> lines. Where there is no room
    /// for all replicas, those that do not run go first.</summary>
    public static IReadOnlyList<ViewLine> View(ServicesProgress now, int height)
    {
        var room = Math.Max(0, height - 2 * now.Services.Count);
        var lines = new List<ViewLine>();
        foreach (var service in now.Services)
        {
            lines.Add(Heading(service));
            var rows = service.Tasks.OrderBy(row => IsFine(row, service)).ToList();
            var shown = rows.Take(rows.Count <= room ? rows.Count : Math.Max(0, Math.Min(room, rows.Count(row => !IsFine(row, service))))).ToHashSet();
            room -= shown.Count;
            var width = shown.Select(row => row.Name.Length).DefaultIfEmpty(0).Max();
            lines.AddRange(service.Tasks.Where(shown.Contains).Select(row => Row(row, width)));
            if (rows.Count > shown.Count)
                lines.Add(new ViewLine($"  and {rows.Count - shown.Count} more replicas", Tone.Waiting));
        }
        return lines;
    }

    /// <summary>What happened to a replica, such as <c>web.2 failed on berth1: task: non-zero exit (1)</c>.</summary>
    public static string Replica(TaskRow row)
    {
        var why = Why(row.Task.Status, State(row) < TaskState.Running);
        return $"{row.Name} {State(row).Word()}{(row.NodeHostname.Length > 0 ? $" on {row.NodeHostname}" : "")}{(why.Length > 0 ? $": {why}" : "")}";
    }

    /// <summary>What became of a service; null while it is on its way.</summary>
    public static string? Verdict(ServiceProgress service) => service.Verdict switch
    {
        ServiceProgress.Types.Verdict.Converged => $"{service.Name} converged: {service.Running}/{service.Desired} running",
        ServiceProgress.Types.Verdict.Paused => $"{service.Name} {WithReason("update paused", service.Reason)}",
        ServiceProgress.Types.Verdict.RollingBack => $"{service.Name} {WithReason("rolling back", service.Reason)}",
        ServiceProgress.Types.Verdict.RolledBack => $"{service.Name} {WithReason("rolled back", service.Reason)}",
        ServiceProgress.Types.Verdict.RollbackPaused => $"{service.Name} {WithReason("rollback paused", service.Reason)}",
        ServiceProgress.Types.Verdict.Removed => $"{service.Name} removed",
        _ => null,
    };

    /// <summary>Why a task is where it is: its error, else, when <paramref name="isWaiting"/>, what it waits for.</summary>
    public static string Why(Berth.Protocol.V1.TaskStatus status, bool isWaiting) =>
        OneLine(status.Err.Length > 0 ? status.Err : isWaiting ? status.Message : "");

    /// <summary>What became of an update, and why; a manager's sentence that says both stands alone.</summary>
    public static string WithReason(string what, string reason)
    {
        var line = OneLine(reason);
        if (line.Length == 0)
            return what;
        return line.StartsWith("update ", StringComparison.Ordinal) || line.StartsWith("rollback ", StringComparison.Ordinal) ? line : $"{what}: {line}";
    }

    private static ViewLine Heading(ServiceProgress service)
    {
        var updated = service.Updated < service.Desired ? $", {service.Updated}/{service.Desired} updated" : "";
        var end = service.Verdict switch
        {
            ServiceProgress.Types.Verdict.Converged => "converged",
            ServiceProgress.Types.Verdict.Paused => WithReason("update paused", service.Reason),
            ServiceProgress.Types.Verdict.RollingBack => WithReason("rolling back", service.Reason),
            ServiceProgress.Types.Verdict.RolledBack => WithReason("rolled back", service.Reason),
            ServiceProgress.Types.Verdict.RollbackPaused => WithReason("rollback paused", service.Reason),
            ServiceProgress.Types.Verdict.Removed => "removed",
            _ => OneLine(service.Reason),
        };
        var tone = service.Verdict switch
        {
            ServiceProgress.Types.Verdict.Converged or ServiceProgress.Types.Verdict.Removed => Tone.Good,
            ServiceProgress.Types.Verdict.Converging => Tone.Plain,
            _ => Tone.Bad,
        };
        return new ViewLine($"{service.Name}  {service.Running}/{service.Desired} running{updated}{(end.Length > 0 ? $"  {end}" : "")}", tone);
    }

    private static ViewLine Row(TaskRow row, int width)
    {
        var state = State(row);
        var tone = state == TaskState.Running ? Tone.Good : state.IsTerminal() ? Tone.Bad : Tone.Waiting;
        return new ViewLine($"  {row.Name.PadRight(width)}  {state.Word(),-10} {row.NodeHostname}  {Why(row.Task.Status, State(row) < TaskState.Running)}".TrimEnd(), tone);
    }

    private static bool IsFine(TaskRow row, ServiceProgress service) =>
        service.Verdict is ServiceProgress.Types.Verdict.Converged or ServiceProgress.Types.Verdict.Removed || State(row) == TaskState.Running;

    // The steps between say nothing that a reader of a log needs.
    private static bool IsWorthALine(TaskRow row) => State(row) switch
    {
        TaskState.New or TaskState.Assigned or TaskState.Accepted or TaskState.Ready => false,
        TaskState.Pending => row.Task.Status.Err.Length > 0,
        _ => true,
    };

    private static TaskState State(TaskRow row) => (TaskState)row.Task.Status.State;

    private static string OneLine(string text) => string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
