namespace Berth.Cli.Lab;

/// <summary>Lets <c>berth</c> on this machine find the lab's managers without being told: the usual socket path links to the
/// first one's, and a file beside it names every host's.</summary>
internal static class ManagerLink
{
    private const string Path = "/run/berth/manager.sock";

    // What the client reads: src/Cli/Client/Contexts/TargetChoice.cs.
    private const string Every = "/run/berth/managers";

    /// <summary>Makes the link unless a manager, or another lab's link that still leads somewhere, is there.</summary>
    public static void Make(LabRecord lab)
    {
        LabStore.MakePrivate(System.IO.Path.GetDirectoryName(Path)!);
        var there = new FileInfo(Path);
        if (there.LinkTarget is { } target && target != First(lab) && !File.Exists(target))
            File.Delete(Path);
        if (there.LinkTarget is null && !File.Exists(Path) || !LinkExists())
            File.CreateSymbolicLink(Path, First(lab));
        if (LeadsTo(lab))
            File.WriteAllLines(Every, lab.Numbers.Select(number => "unix://" + lab.ManagerSocket(number)));
    }

    /// <summary>Whether plain <c>berth</c> on this machine speaks to this lab.</summary>
    public static bool LeadsTo(LabRecord lab) => new FileInfo(Path).LinkTarget == First(lab);

    public static void Remove(LabRecord lab)
    {
        if (LeadsTo(lab))
        {
            File.Delete(Path);
            File.Delete(Every);
        }
        LabStore.RemoveIfEmpty(System.IO.Path.GetDirectoryName(Path)!);
    }

    private static string First(LabRecord lab) => lab.ManagerSocket(1);

    private static bool LinkExists() => new FileInfo(Path).LinkTarget is not null || File.Exists(Path);
}
