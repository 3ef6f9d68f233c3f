using System.Globalization;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>
/// A lab's processes are known by their control group /NAME: it outlives every crash, is inherited by every child, and
/// cannot be mistaken for somebody else's process as a stored process id can.
/// </summary>
internal static class Cgroups
{
    private static readonly string[] Accounted = ["memory", "cpuacct", "cpu", "pids"];

    /// <summary>Where each hierarchy is mounted: all of version 1, and version 2 alone or beside it.</summary>
    public static IReadOnlyList<string> Hierarchies { get; } =
        [.. File.ReadLines("/proc/mounts").Select(line => line.Split(' '))
            .Where(mount => mount[2] is "cgroup" or "cgroup2" && mount[1].StartsWith("/sys/fs/cgroup", StringComparison.Ordinal))
            .Select(mount => mount[1]).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Makes a group and returns the files into which a process writes its id to join it.</summary>
    /// <exception cref="UserError">This machine mounts no control groups that labs can use.</exception>
    public static IReadOnlyList<string> Make(string group)
    {
        var files = new List<string>();
        foreach (var hierarchy in Hierarchies.Where(IsAccounted))
        {
            Directory.CreateDirectory(Path.Combine(hierarchy, group));
            files.Add(Path.Combine(hierarchy, group, "cgroup.procs"));
        }
        return files.Count > 0 ? files : throw new UserError(
            "no control groups are mounted under /sys/fs/cgroup, and the engine needs them", "mount them: apt-get install cgroupfs-mount && cgroupfs-mount");
    }

    /// <summary>Ids, as seen from here, of the processes in a group, not of those in groups below it.</summary>
    public static IReadOnlyList<int> Processes(string group) =>
        [.. Hierarchies.Where(IsAccounted).Select(hierarchy => ReadProcesses(Path.Combine(hierarchy, group))).FirstOrDefault(found => found.Count > 0) ?? []];

    /// <summary>All processes of a lab in every hierarchy, containers included.</summary>
    public static IReadOnlySet<int> ProcessesBelow(string group) =>
        Hierarchies.SelectMany(hierarchy => Folders(Path.Combine(hierarchy, group))).SelectMany(ReadProcesses).ToHashSet();

    /// <summary>Removes the groups from every hierarchy.</summary>
    /// <returns>Those that could not be removed because something is still in them.</returns>
    public static IReadOnlyList<string> Remove(string group)
    {
        var left = new List<string>();
        foreach (var folder in Hierarchies.SelectMany(hierarchy => Folders(Path.Combine(hierarchy, group)).Reverse()))
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (DirectoryNotFoundException)
            {
                // The kernel had removed it already, as wanted.
            }
            catch (IOException)
            {
                left.Add(folder);
            }
        }
        return left;
    }

    // In the hybrid layout version 2 is at /sys/fs/cgroup/unified and accounts nothing.
    private static bool IsAccounted(string hierarchy) =>
        hierarchy == "/sys/fs/cgroup" || Path.GetFileName(hierarchy).Split(',').Any(Accounted.Contains);

    // Parents before their children.
    private static IEnumerable<string> Folders(string top)
    {
        if (!Directory.Exists(top))
            yield break;
        yield return top;
        foreach (var folder in Children(top).SelectMany(Folders))
            yield return folder;
    }

    private static string[] Children(string folder)
    {
        try
        {
            return Directory.GetDirectories(folder);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static List<int> ReadProcesses(string folder)
    {
        try
        {
            return [.. File.ReadLines(Path.Combine(folder, "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
        }
        catch (Exception error) when (error is IOException or NotSupportedException)
        {
            // A group that is not there, or is vanishing, has no processes.
            return [];
        }
    }
}
