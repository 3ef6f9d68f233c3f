using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Clusters;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Docker;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Nodes;

/// <summary><c>berth node</c>.</summary>
internal static class NodeCommands
{
    private static readonly string[] Known = ["id", "label", "name", "node.label", "role"];

    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("node", "Manage nodes").With(named,
        ("ls", () => List(context)),
        ("inspect", () => Inspect(context)),
        ("ps", () => Ps(context)),
        ("update", () => NodeUpdate.Build(context)),
        ("promote", () => NodeRoles.Promote(context)),
        ("demote", () => NodeRoles.Demote(context)),
        ("rm", () => NodeRemove.Build(context)),
        ("approve", () => NodeRemove.Approve(context)));

    /// <summary>Whether a node passes: ids and names by their beginning; <c>label</c> is the engine's, as with Docker.</summary>
    public static bool Matches(Filters filters, NodeSummary summary) =>
        filters.Allow("id", id => summary.Node.Id.StartsWith(id, StringComparison.Ordinal))
        && filters.Allow("name", name => summary.Node.Description.Hostname.StartsWith(name, StringComparison.Ordinal))
        && filters.Allow("role", role => role == DockerObjectMapper.Word(summary.Node.Spec.Role))
        && filters.AllowLabel("node.label", summary.Node.Spec.Labels)
        && filters.AllowLabel("label", summary.Node.Description.EngineLabels);

    private static BerthCommand List(CommandContext context)
    {
        var filter = Filters.Flag(Known);
        var format = Flag.Format();
        var quiet = Flag.Switch("--quiet", "Only display IDs", "-q");
        return new BerthCommand("ls", "List nodes in the cluster", "berth node ls", "berth node ls --filter node.label=disk=ssd", "berth node ls --format '{{.Hostname}} {{.Address}}'")
            .Alias("list")
            .With(filter, format, quiet)
            .Does(context, async (parse, client, cancel) =>
            {
                var filters = Filters.Parse(parse.GetValue(filter) ?? [], Known);
                var show = parse.ListFormat(format);
                var asked = Managers(client, cancel);
                var answer = await client.Ask("list nodes", (control, call) => control.ListNodesAsync(new ListNodesRequest(), call), cancel);
                var managers = await asked;
                var isOnlyManager = answer.Nodes.Count(node => node.Node.Spec.Role == NodeRole.Manager) == 1;
                NodeLine[] lines = [.. answer.Nodes.Where(node => Matches(filters, node)).Select(node => NodeLine.Of(node, managers, isOnlyManager))
                    .OrderBy(line => line.Hostname, StringComparer.Ordinal).ThenBy(line => line.ID, StringComparer.Ordinal)];
                NodeLine.Listing.Print(context.Terminal, lines, show, parse.GetValue(quiet));
                return ExitCode.Done;
            });
    }

    // A list of nodes is worth showing also where nobody can say how their managers are.
    private static async Task<ClusterStatus?> Managers(ManagerClient client, CancellationToken cancel)
    {
        try
        {
            return await ClusterCommands.Ask(client, cancel);
        }
        catch (UserError)
        {
            return null;
        }
    }

    private static Command Inspect(CommandContext context) => Inspection.Build(
        context,
        new BerthCommand("inspect", "Display detailed information on one or more nodes", "berth node inspect berth1", "berth node inspect --format '{{.Status.Addr}}' berth1"),
        Naming.Nodes(),
        DockerJson.Default.DockerNode,
        async (client, name, cancel) =>
        {
            var request = new GetNodeRequest { Node = name };
            return (await client.Ask($"inspect node '{name}'", (control, call) => control.GetNodeAsync(request, call), cancel)).ToDocker();
        });

    private static BerthCommand Ps(CommandContext context)
    {
        var list = new TaskLists();
        var names = Naming.Nodes();
        return new BerthCommand("ps", "List tasks running on one or more nodes", "berth node ps berth1", "berth node ps --filter desired-state=running berth1 berth2")
            .With(list.Options)
            .With(names)
            .Does(context, (parse, client, cancel) =>
            {
                var request = new ListTasksRequest();
                request.Nodes.AddRange(parse.GetRequiredValue(names));
                return list.Print(context, parse, client, request, $"list the tasks of node '{string.Join("', '", request.Nodes)}'", cancel);
            });
    }
}
