using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Host;
using Berth.Cli.Output;
using Berth.Identity;
using Berth.Protocol.V1;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster leave</c>: this host stops its tasks and belongs to no cluster any more.</summary>
internal static class ClusterLeave
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var force = Flag.Switch("--force", "Also when this host runs a manager; the last manager takes the cluster's state with it", "-f");
        return new BerthCommand("leave", "Leave the cluster: this host's tasks stop, and are replaced elsewhere", "berth cluster leave", "berth cluster leave --force")
            .With(force)
            .Does(async (parse, cancel) =>
            {
                HostDaemons.RequireRoot("berth cluster leave");
                var paths = HostPaths.Of(parse.GetValue(GlobalOptions.Host), context.Environment);
                var daemons = new HostDaemons(paths, context.Terminal.Note, context.Time);
                if (paths.HasManager && !parse.GetValue(force))
                {
                    throw new UserError("this node is a manager: leaving takes its vote away, and the last manager takes the cluster's state with it",
                        $"demote it first: berth node demote {Environment.MachineName}; or leave all the same: berth cluster leave --force");
                }
                var agent = await daemons.AgentAsync(cancel);
                if (paths.HasManager)
                    await EndManager(context, paths, daemons, agent, cancel);
                if (agent.State != JoinState.Unjoined)
                {
                    HostWishes.Leave(paths);
                    await daemons.LeftAsync(cancel);
                }
                context.Terminal.Out.WriteLine("Node left the cluster.");
                return ExitCode.Done;
            });
    }

    // The others are told while they can be; what this manager kept is forgotten in any case.
    private static async Task EndManager(CommandContext context, HostPaths paths, HostDaemons daemons, AgentStatus agent, CancellationToken cancel)
    {
        using var client = new ManagerClient(paths.Socket, context.Time);
        try
        {
            var status = await ClusterCommands.Ask(client, cancel);
            if (status.Managers.Any(manager => manager.NodeId != agent.NodeId))
                await Demote(context, client, agent.NodeId, cancel);
        }
        catch (UserError error)
        {
            context.Terminal.Note($"the other managers were not told: {error.Message}; on one of them run: berth node demote --force {Environment.MachineName}, then berth node rm --force {Environment.MachineName}");
        }
        await daemons.ForgetManagerAsync(cancel);
    }

    // What it costs the others is said, even to who insists.
    private static async Task Demote(CommandContext context, ManagerClient client, string node, CancellationToken cancel)
    {
        var request = new ChangeRoleRequest { Nodes = { node } };
        try
        {
            await client.Administer("demote this node", (admin, call) => admin.DemoteNodeAsync(request, call), cancel);
        }
        catch (UserError refused) when (refused.Code == ExitCode.Failed)
        {
            context.Terminal.Note($"leaving all the same: {refused.Message}");
            request.Force = true;
            await client.Administer("demote this node", (admin, call) => admin.DemoteNodeAsync(request, call), cancel);
        }
    }
}
