using Berth.Model;
using Berth.Protocol.V1;
using TaskState = Berth.Model.TaskState;

namespace Berth.Cli.Output.Lists;

/// <summary>A row of <c>service ps</c>, <c>stack ps</c>, <c>node ps</c> and <c>task ls</c>.</summary>
internal sealed record TaskLine(
    string ID, string Name, string Image, string Node, string DesiredState, string CurrentState, string Error, string Ports,
    string State, DateTime Since, string Service, int Slot, string NodeID, string ContainerID, int? ExitCode, string? Message,
    string? StopReason)
{
    /// <summary>Whether it is an earlier task of the row above's slot.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsHistory { get; init; }

    /// <summary>How tasks are listed.</summary>
    public static Listing<TaskLine> Listing(bool noTrunc, bool noResolve = false) => new(
        [
            new("ID", row => noTrunc ? row.ID : Short.Id(row.ID)),
            new("NAME", row => (row.IsHistory ? " \\_ " : "") + row.Name),
            new("IMAGE", row => noTrunc ? row.Image : Short.Image(row.Image)),
            new("NODE", row => noResolve ? row.NodeID : row.Node),
            new("DESIRED STATE", row => row.DesiredState),
            new("CURRENT STATE", row => row.CurrentState),
            new("ERROR", row => row.Error.Length > 0 ? $"\"{row.Error}\"" : row.StopReason ?? "") { Elastic = !noTrunc },
            new("PORTS", row => row.Ports),
        ],
        row => row.ID,
        () => ListJson.Default.TaskLine);

    /// <summary>The rows of tasks that are sorted by name, each slot's newest first.</summary>
    public static IReadOnlyList<TaskLine> Of(IReadOnlyList<TaskRow> rows, DateTimeOffset now) =>
        [.. rows.Select((row, at) => Of(row, now) with { IsHistory = at > 0 && rows[at - 1].Name == row.Name })];

    private static TaskLine Of(TaskRow row, DateTimeOffset now)
    {
        var (task, status) = (row.Task, row.Task.Status);
        var state = (TaskState)status.State;
        var since = status.Timestamp?.ToDateTimeOffset() ?? now;
        return new TaskLine(
            task.Id,
            row.Name,
            task.Spec.Container.Image,
            row.NodeHostname.Length > 0 ? row.NodeHostname : task.NodeId,
            Capital(((TaskState)task.DesiredState).Word()),
            $"{Capital(state.Word())} {Lower(DurationText.Ago(now - since))} ago",
            ErrorOf(task, state),
            state is TaskState.Running or TaskState.Starting ? Short.Ports(status.Ports) : "",
            state.Word(),
            since.UtcDateTime,
            row.ServiceName,
            task.Slot,
            task.NodeId,
            status.ContainerId,
            status.HasExitCode ? status.ExitCode : null,
            status.Message.Length > 0 ? status.Message : null,
            task.StopReason.Length > 0 ? task.StopReason : null);
    }

    // A task that is meant to run and does not says why, whether or not that is an error.
    private static string ErrorOf(Berth.Protocol.V1.Task task, TaskState state)
    {
        var isWaiting = (TaskState)task.DesiredState <= TaskState.Running && state < TaskState.Running;
        return state.IsTerminal() || isWaiting ? ServiceProgressText.Why(task.Status, isWaiting) : task.Status.Err;
    }

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text[1..];
}
