using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Cli.Host;

/// <summary>Writes the files by which the command line tells this host's daemons what is wanted.</summary>
internal static class HostWishes
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>A manager is wanted here.</summary>
    public static void Manage(HostPaths paths, ManagerFile file)
    {
        Directory.CreateDirectory(paths.Manager, OwnerOnly);
        file.Save(paths.Manager);
    }

    /// <summary>The agent is to join.</summary>
    public static void Join(HostPaths paths, JoinWish wish) =>
        PrivateFile.Write(paths.JoinWish, wish.Format());

    /// <summary>The agent is to leave.</summary>
    public static void Leave(HostPaths paths) => PrivateFile.Write(paths.LeaveWish, "{}\n");
}
