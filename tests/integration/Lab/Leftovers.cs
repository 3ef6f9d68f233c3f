using System.Globalization;

namespace Berth.Tests.Integration.Lab;

/// <summary>Everything on this machine that is one lab's: empty before it and after it.</summary>
internal static class Leftovers
{
    public static IReadOnlyList<string> Of(string lab, string folder) =>
    [
        .. Directory.EnumerateFileSystemEntries("/sys/class/net").Select(link => Path.GetFileName(link)!).Where(link => link == "lab-" + lab).Select(link => "link " + link),
        .. File.ReadLines("/proc/mounts").Where(mount => mount.Contains(folder, StringComparison.Ordinal)).Select(mount => "mount " + mount),
        .. Directory.EnumerateDirectories("/sys/fs/cgroup", lab, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 }).Select(group => "cgroup " + group),
        .. Processes(folder).Select(process => "process " + process),
        .. new[] { folder, "/var/lib/berth/lab/" + lab }.Where(Path.Exists).Select(file => "file " + file),
        .. File.Exists("/run/berth/manager.sock") && new FileInfo("/run/berth/manager.sock").LinkTarget is { } target && target.Contains(folder, StringComparison.Ordinal)
            ? ["link /run/berth/manager.sock"] : Array.Empty<string>(),
    ];

    /// <summary>Who keeps a network namespace, given as <c>net:[4026532000]</c>, alive: processes in it and mounts of it.</summary>
    public static IReadOnlyList<string> HoldersOf(string networkNamespace) =>
    [
        .. Numbers().Where(id => Read(() => new FileInfo($"/proc/{id}/ns/net").LinkTarget) == networkNamespace).Select(id => $"process {id}"),
        .. Numbers().SelectMany(id => (Read(() => File.ReadAllText($"/proc/{id}/mountinfo")) ?? "").Split('\n'))
            .Where(mount => mount.Contains(networkNamespace, StringComparison.Ordinal)).Distinct().Select(mount => "mount " + mount),
    ];

    private static IEnumerable<string> Processes(string folder) =>
        from id in Numbers()
        where id != Environment.ProcessId
        let command = Read(() => File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' '))
        where command is not null && command.Contains(folder + "/", StringComparison.Ordinal)
        select $"{id} {command}";

    private static IEnumerable<int> Numbers() =>
        Directory.EnumerateDirectories("/proc").Select(entry => Path.GetFileName(entry)!)
            .Where(name => char.IsAsciiDigit(name[0])).Select(name => int.Parse(name, CultureInfo.InvariantCulture));

    private static string? Read(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The process ended meanwhile.
            return null;
        }
    }
}
