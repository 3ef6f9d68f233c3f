using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Nodes;

/// <summary><c>berth node update</c>. After <c>--availability drain</c> it waits until the node is empty.</summary>
internal static class NodeUpdate
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var availability = Flag.Choice("--availability", "Availability of the node",
            ("active", NodeAvailability.Active), ("pause", NodeAvailability.Pause), ("drain", NodeAvailability.Drain));
        var add = Flag.List("--label-add", "KEY=VALUE", "Add or update a node label", FlagValues.Label);
        var remove = Flag.List("--label-rm", "key", "Remove a node label if exists", text => text);
        var role = Flag.Unsupported("--role", "use berth node promote or berth node demote");
        var wait = new WaitFlags();
        var format = Flag.Text("--format", "format", "json or a template; the changed node goes to stdout");
        var node = Naming.Node();
        return new BerthCommand("update", "Update a node",
            "berth node update --availability drain berth2",
            "berth node update --availability active berth2",
            "berth node update --label-add disk=ssd --label-rm old berth2")
            .With([availability, add, remove, role, .. wait.Options, format])
            .With(node)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var name = parse.GetRequiredValue(node);
                var request = Request(name, parse.GetValue(availability), parse.GetValue(add) ?? [], parse.GetValue(remove) ?? []);
                var updated = await client.Call($"update node '{name}'", (control, call) => control.UpdateNodeAsync(request, call), cancel);
                if (show is ListFormat.Table)
                    context.Terminal.Out.WriteLine(name);
                else
                    NodeLine.Listing.Print(context.Terminal, [NodeLine.Of(updated)], show);
                return parse.GetValue(availability) == NodeAvailability.Drain
                    ? await WaitForDrain(context, client, wait.Read(parse), updated.Node, cancel)
                    : ExitCode.Done;
            });
    }

    /// <summary>The request; what no flag names stays as it is.</summary>
    /// <exception cref="UserError">No flag says what to change.</exception>
    public static UpdateNodeRequest Request(string node, NodeAvailability? availability, IEnumerable<KeyValuePair<string, string>> add, IEnumerable<string> remove)
    {
        var request = new UpdateNodeRequest { Node = node };
        if (availability is { } asked)
            request.Availability = asked;
        foreach (var (key, value) in add)
            request.LabelsAdd[key] = value;
        request.LabelsRemove.AddRange(remove);
        return request.HasAvailability || request.LabelsAdd.Count > 0 || request.LabelsRemove.Count > 0
            ? request
            : throw UserError.Usage($"nothing to change on node '{node}'", "give --availability, --label-add or --label-rm");
    }

    private static async Task<int> WaitForDrain(CommandContext context, ManagerClient client, WaitOptions options, Node node, CancellationToken cancel)
    {
        var name = node.Description.Hostname;
        var howToFollow = $"berth node ps --filter desired-state=running {name}";
        if (options.Detach)
        {
            context.Terminal.Note($"not waited for; follow it with: {howToFollow}");
            return ExitCode.Done;
        }

        var request = new FollowDrainRequest { Node = node.Id };
        DrainProgress? before = null;
        var (end, code) = await new Waiter(context, client, options).Run(
            token => client.Follow($"follow node '{name}'", (control, call) => control.FollowDrain(request, call), token),
            (ProgressDisplay display, DrainProgress now) =>
            {
                display.Show(DrainText.View(name, now, display.Height), DrainText.Changes(name, before, now));
                before = now;
                return now.Empty ? now : null;
            },
            howToFollow,
            cancel);
        if (end is not null && !options.Quiet)
            context.Terminal.Note($"node {name} is drained: no task is left on it");
        return code;
    }
}
