using System.CommandLine;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Nodes;

/// <summary><c>berth node rm</c> and <c>approve</c>: who belongs to the cluster.</summary>
internal static class NodeRemove
{
    /// <summary><c>rm</c>.</summary>
    public static Command Build(CommandContext context)
    {
        var force = Flag.Switch("--force", "Also when it is not down; its tasks are replaced elsewhere", "-f");
        var nodes = Naming.Nodes();
        return new BerthCommand("rm", "Remove one or more nodes from the cluster: their certificates are refused from then on", "berth node rm berth3", "berth node rm --force berth2 berth3")
            .Alias("remove")
            .With(force)
            .With(nodes)
            .Does(context, async (parse, client, cancel) =>
            {
                var request = new RemoveNodeRequest { Force = parse.GetValue(force) };
                request.Nodes.AddRange(parse.GetRequiredValue(nodes));
                await client.Administer($"remove node '{string.Join("', '", request.Nodes)}'", (admin, call) => admin.RemoveNodeAsync(request, call), cancel);
                foreach (var node in request.Nodes)
                    context.Terminal.Out.WriteLine(node);
                return ExitCode.Done;
            });
    }

    /// <summary><c>approve</c>.</summary>
    public static Command Approve(CommandContext context)
    {
        var node = Naming.Node();
        return new BerthCommand("approve", "Let a node whose certificate expired while it was away come back, once, with its own key", "berth node approve berth3")
            .With(node)
            .Does(context, async (parse, client, cancel) =>
            {
                var name = parse.GetRequiredValue(node);
                await client.Administer($"approve node '{name}'", (admin, call) => admin.ApproveNodeAsync(new ApproveNodeRequest { Node = name }, call), cancel);
                context.Terminal.Out.WriteLine(name);
                context.Terminal.Note("it gets a new certificate as soon as it asks; see it come: berth node ls");
                return ExitCode.Done;
            });
    }
}
