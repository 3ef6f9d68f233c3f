using System.CommandLine;
using System.Net;
using Berth.Cli.Host;
using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster inspect-backup</c>, <c>restore</c> and <c>recover</c>: what is done on a host when a cluster is lost.</summary>
internal static class ClusterRestore
{
    /// <summary><c>inspect-backup</c>.</summary>
    public static Command Inspect(CommandContext context)
    {
        var passphrase = ClusterBackup.PassphraseFlag();
        var file = BackupFile();
        return new BerthCommand("inspect-backup", "Show what a backup is of", "berth cluster inspect-backup cluster.backup", "berth cluster inspect-backup --passphrase-file /root/passphrase cluster.backup")
            .With(passphrase)
            .With(file)
            .Does((parse, cancel) => ManagerProgram.RunAsync(["inspect", parse.GetRequiredValue(file)],
                SecretInput.Read(context, parse.GetValue(passphrase), "Passphrase of the backup: ", "the passphrase") + "\n", context.Terminal, context.Environment, cancel));
    }

    /// <summary><c>restore</c>: this host leads the cluster of the backup alone; others join it anew.</summary>
    public static Command Restore(CommandContext context)
    {
        var advertise = Flag.Text("--advertise-addr", "ip|interface", "Where others reach this host (default: its only address)");
        var passphrase = ClusterBackup.PassphraseFlag();
        var file = BackupFile();
        return new BerthCommand("restore", "Make this host the only manager of the cluster that a backup is of",
            "berth cluster restore cluster.backup", "berth cluster restore --passphrase-file /root/passphrase --advertise-addr 10.0.0.1 cluster.backup")
            .With(advertise, passphrase)
            .With(file)
            .Does((parse, cancel) =>
            {
                HostDaemons.RequireRoot("berth cluster restore");
                var paths = HostPaths.Of(parse.GetValue(GlobalOptions.Host), context.Environment);
                var address = AdvertiseAddress.Choose(parse.GetValue(advertise), AdvertiseAddress.OfHost());
                var secret = SecretInput.Read(context, parse.GetValue(passphrase), "Passphrase of the backup: ", "the passphrase");
                return ClusterInit.Run(context, paths, node => new ManagerFile
                {
                    NodeId = node, Hostname = Environment.MachineName, Advertise = new IPEndPoint(address, ManagerFile.DefaultPort),
                }, false, () => Unpack(context, paths, parse.GetRequiredValue(file), secret, cancel), cancel);
            });
    }

    /// <summary><c>recover</c>.</summary>
    public static Command Recover(CommandContext context)
    {
        var force = Flag.Switch("--force", "Also when a majority of the managers still answers", "-f");
        return new BerthCommand("recover", "Make this host's manager the only one, with everything it has, after most managers were lost for good", "berth cluster recover", "berth cluster recover --force")
            .With(force)
            .Does((parse, cancel) =>
            {
                HostDaemons.RequireRoot("berth cluster recover");
                var paths = HostPaths.Of(parse.GetValue(GlobalOptions.Host), context.Environment);
                if (!paths.HasManager)
                    throw new UserError($"this host runs no manager: {paths.ManagerConfig} is not there", "run it on a manager that is left; where none is, restore a backup: berth cluster restore FILE");
                return ManagerProgram.RunAsync(["recover", "--data", paths.Manager, .. parse.GetValue(force) ? ["--force"] : Array.Empty<string>()], "", context.Terminal, context.Environment, cancel);
            });
    }

    private static Argument<string> BackupFile() => new("FILE") { Description = "As 'berth cluster backup' wrote it" };

    private static async Task Unpack(CommandContext context, HostPaths paths, string file, string passphrase, CancellationToken cancel)
    {
        if (Directory.Exists(paths.Manager) && Directory.EnumerateFileSystemEntries(paths.Manager).Any(entry => Path.GetFileName(entry) is not ("lock" or "manager.pid")))
            throw new UserError($"{paths.Manager} holds what an earlier manager kept", $"move it away, so that nothing is overwritten: mv {paths.Manager} {paths.Manager}.old");
        if (await ManagerProgram.RunAsync(["restore", file, "--data", paths.Manager], passphrase + "\n", context.Terminal, context.Environment, cancel) != 0)
            throw new UserError($"the backup {file} was not restored", "see the reason above; nothing was started");
        // The program that restored is not the manager.
        File.Delete(paths.ManagerPid);
    }
}
