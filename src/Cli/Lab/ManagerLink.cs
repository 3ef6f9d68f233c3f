namespace Berth.Cli.Lab;

/// <summary>Lets <c>berth</c> on this machine find the lab's manager without being told: the usual socket path links to it.</summary>
internal static class ManagerLink
{
    private const string Path = "/run/berth/manager.sock";

    /// <summary>Makes the link unless a manager, or another lab's link that still leads somewhere, is there.</summary>
    public static void Make(LabRecord lab)
    {
        LabStore.MakePrivate(System.IO.Path.GetDirectoryName(Path)!);
        var there = new FileInfo(Path);
        if (there.LinkTarget is { } target && target != lab.ManagerSocket && !File.Exists(target))
            File.Delete(Path);
        if (there.LinkTarget is null && !File.Exists(Path) || !LinkExists())
            File.CreateSymbolicLink(Path, lab.ManagerSocket);
    }

    /// <summary>Whether plain <c>berth</c> on this machine speaks to this lab.</summary>
    public static bool LeadsTo(LabRecord lab) => new FileInfo(Path).LinkTarget == lab.ManagerSocket;

    public static void Remove(LabRecord lab)
    {
        if (LeadsTo(lab))
            File.Delete(Path);
        LabStore.RemoveIfEmpty(System.IO.Path.GetDirectoryName(Path)!);
    }

    private static bool LinkExists() => new FileInfo(Path).LinkTarget is not null || File.Exists(Path);
}
