using System.CommandLine;
using Berth.Cli.Client;
using Berth.Protocol.V1;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster</c>.</summary>
internal static class ClusterCommands
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(300);

    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="line">The words of the line that is run.</param>
    public static Command Build(CommandContext context, LineWords line) => new BerthCommand("cluster", "Manage the cluster: its managers, trust, keys and who may do what").With(line.Command,
        ("init", () => ClusterInit.Build(context)),
        ("join", () => ClusterJoin.Build(context)),
        ("leave", () => ClusterLeave.Build(context)),
        ("status", () => ClusterStatusCommand.Build(context)),
        ("update", () => ClusterUpdate.Build(context)),
        ("token", () => ClusterToken.Build(context)),
        ("ca", () => ClusterAuthority.Build(context, line.Below)),
        ("unlock", () => ClusterLock.Unlock(context)),
        ("unlock-key", () => ClusterLock.Key(context)),
        ("data-key", () => ClusterLock.DataKey(context, line.Below)),
        ("backup", () => ClusterBackup.Build(context)),
        ("inspect-backup", () => ClusterRestore.Inspect(context)),
        ("restore", () => ClusterRestore.Restore(context)),
        ("recover", () => ClusterRestore.Recover(context)),
        ("store", () => ClusterStore.Build(context, line.Below)),
        ("client", () => ClusterClients.Build(context, line.Below)),
        ("audit", () => ClusterAudit.Build(context)));

    /// <summary>Asks for the cluster's managers, trust and keys.</summary>
    public static Task<ClusterStatus> Ask(ManagerClient client, CancellationToken cancel) =>
        client.AskCluster(cancel);

    /// <summary>Asks again and again, for a wait.</summary>
    public static async IAsyncEnumerable<ClusterStatus> Looks(CommandContext context, ManagerClient client,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        while (true)
        {
            yield return await Ask(client, cancel);
            await Task.Delay(LookEvery, context.Time, cancel);
        }
    }
}
