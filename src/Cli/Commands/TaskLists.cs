using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;
using TaskState = Berth.Model.TaskState;

namespace Berth.Cli.Commands;

/// <summary>What <c>service ps</c>, <c>stack ps</c>, <c>node ps</c> and <c>task ls</c> share: flags, filters and the list.</summary>
internal sealed class TaskLists
{
    private static readonly string[] Known = ["id", "name", "node", "desired-state"];

    private readonly Option<string[]> _filter = Filters.Flag(Known);
    private readonly Option<string?> _format = Flag.Format();
    private readonly Option<bool> _noTrunc = Flag.Switch("--no-trunc", "Do not truncate output");
    private readonly Option<bool> _noResolve = Flag.Switch("--no-resolve", "Do not map IDs to Names");
    private readonly Option<bool> _quiet = Flag.Switch("--quiet", "Only display task IDs", "-q");

    /// <summary>The options, in the order of help.</summary>
    public Option[] Options => [_filter, _format, _noResolve, _noTrunc, _quiet];

    /// <summary>Asks for tasks and prints them.</summary>
    public async Task<int> Print(CommandContext context, ParseResult parse, ManagerClient client, ListTasksRequest request, string doing, CancellationToken cancel)
    {
        var filters = Filters.Parse(parse.GetValue(_filter) ?? [], Known);
        var format = parse.ListFormat(_format);
        var rows = await client.ReadAll(doing, (control, call) => control.ListTasks(request, call), cancel);
        var lines = TaskLine.Of([.. rows.Where(row => Matches(filters, row))], context.Time.GetUtcNow());
        TaskLine.Listing(parse.GetValue(_noTrunc), parse.GetValue(_noResolve)).Print(context.Terminal, lines, format, parse.GetValue(_quiet));
        return ExitCode.Done;
    }

    /// <summary>Whether a task passes: ids and names by their beginning, as with Docker; <c>desired-state</c> also knows
    /// <c>accepted</c>, which is every state before running.</summary>
    public static bool Matches(Filters filters, TaskRow row) =>
        filters.Allow("id", id => row.Task.Id.StartsWith(id, StringComparison.Ordinal))
        && filters.Allow("name", name => row.Name.StartsWith(name, StringComparison.Ordinal))
        && filters.Allow("node", node => row.NodeHostname == node || (node.Length > 0 && row.Task.NodeId.StartsWith(node, StringComparison.Ordinal)))
        && filters.Allow("desired-state", state => state switch
        {
            "running" => (TaskState)row.Task.DesiredState == TaskState.Running,
            "ready" or "accepted" => (TaskState)row.Task.DesiredState < TaskState.Running,
            "shutdown" => (TaskState)row.Task.DesiredState > TaskState.Running,
            _ => throw UserError.Usage($"--filter 'desired-state={state}': there is no such desired state", "known are running, ready, accepted and shutdown"),
        });
}
