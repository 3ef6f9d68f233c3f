using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Clusters;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Nodes;

/// <summary><c>berth node promote</c> and <c>demote</c>: which hosts run managers.</summary>
internal static class NodeRoles
{
    /// <summary><c>promote</c>. It waits until a manager of each node follows the leader.</summary>
    public static Command Promote(CommandContext context) => Build(context,
        new BerthCommand("promote", "Promote one or more nodes to manager in the cluster", "berth node promote berth2 berth3", "berth node promote --detach berth2"),
        "promote", (admin, request, call) => admin.PromoteNodeAsync(request, call),
        name => $"Node {name} promoted to a manager in the cluster.", Promoted, null);

    /// <summary><c>demote</c>. It waits until the nodes' managers are gone.</summary>
    public static Command Demote(CommandContext context) => Build(context,
        new BerthCommand("demote", "Demote one or more nodes from manager in the cluster", "berth node demote berth3", "berth node demote --force berth2"),
        "demote", (admin, request, call) => admin.DemoteNodeAsync(request, call),
        name => $"Manager {name} demoted in the cluster.", Demoted,
        Flag.Switch("--force", "Also when the managers left could not decide any more: nothing can be changed then, until one more is back or 'berth cluster recover' is run", "-f"));

    /// <summary>What is still missing until the nodes' managers work; empty when nothing is.</summary>
    public static IReadOnlyList<string> Promoted(ClusterStatus status, IReadOnlyList<string> nodes) =>
        [.. from node in nodes
            let manager = status.Managers.FirstOrDefault(manager => manager.NodeId == node)
            let missing = manager is null ? $"{node} has no manager yet"
                : manager.Reachability == "unreachable" ? $"the manager of {manager.Hostname} cannot be reached"
                : manager.Reachability != "reachable" ? $"the manager of {manager.Hostname} has not answered yet"
                : manager.StoreMember == "started" || (manager.StoreMember == "" && status.Store != "etcd") ? null
                : $"the store of {manager.Hostname} is {(manager.StoreMember == "" ? "not joined yet" : manager.StoreMember)}"
            where missing is not null
            select missing];

    /// <summary>What is still missing until the nodes' managers are gone; empty when nothing is.</summary>
    public static IReadOnlyList<string> Demoted(ClusterStatus status, IReadOnlyList<string> nodes) =>
        [.. status.Managers.Where(manager => nodes.Contains(manager.NodeId)).Select(manager => $"the manager of {manager.Hostname} is still there")];

    private static BerthCommand Build(
        CommandContext context, BerthCommand command, string doing, Func<ClusterAdmin.ClusterAdminClient, ChangeRoleRequest, Grpc.Core.CallOptions, Grpc.Core.AsyncUnaryCall<NodeSummary>> change,
        Func<string, string> done, Func<ClusterStatus, IReadOnlyList<string>, IReadOnlyList<string>> missing, Option<bool>? force)
    {
        var wait = new WaitFlags();
        var nodes = Naming.Nodes();
        return command.With(wait.Options).With(force is null ? [] : [force]).With(nodes)
            .Does(context, async (parse, client, cancel) =>
            {
                var options = wait.Read(parse);
                var ids = new List<string>();
                // One after the other: each must leave the cluster safe before the next is changed.
                foreach (var name in parse.GetRequiredValue(nodes))
                {
                    var request = new ChangeRoleRequest { Force = force is not null && parse.GetValue(force) };
                    request.Nodes.Add(name);
                    var node = (await client.Administer($"{doing} node '{name}'", (admin, call) => change(admin, request, call), cancel)).Node;
                    ids.Add(node.Id);
                    if (!options.Detach && await Wait(context, client, options, [node.Id], missing, cancel) is var code and not ExitCode.Done)
                        return code;
                    context.Terminal.Out.WriteLine(done(name));
                }
                if (options.Detach)
                    context.Terminal.Note("not waited for; follow it with: berth cluster status");
                return ExitCode.Done;
            });
    }

    private static async Task<int> Wait(CommandContext context, ManagerClient client, WaitOptions options, IReadOnlyList<string> ids,
        Func<ClusterStatus, IReadOnlyList<string>, IReadOnlyList<string>> missing, CancellationToken cancel)
    {
        IReadOnlyList<string> before = [];
        return (await new Waiter(context, client, options).Run(
            token => ClusterCommands.Looks(context, client, token),
            (ProgressDisplay display, ClusterStatus status) =>
            {
                var left = missing(status, ids);
                display.Show([.. left.Select(line => new ViewLine(line))], [.. left.Except(before)]);
                before = left;
                return left.Count == 0 ? status : null;
            },
            "berth cluster status", cancel)).Code;
    }
}
