using System.Collections.Immutable;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Removes everything a lab has on this machine, whole or half-made.</summary>
internal static class LabDown
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(20);

    // What the lab itself makes in its folder; anything else there is not the lab's to delete.
    private static readonly string[] Own = ["net", "registry", "init.sh", "boot.sh"];

    // Each host has its own /etc/docker mounted there; containerd makes the others wherever it starts. Deepest first.
    private static readonly string[] EngineFolders = ["/etc/docker", "/opt/containerd/bin", "/opt/containerd/lib", "/opt/containerd"];

    /// <summary>The folders that engines leave on this machine and that are not there yet.</summary>
    public static ImmutableArray<string> AbsentFolders() => [.. EngineFolders.Where(folder => !Directory.Exists(folder))];

    public static async Task RunAsync(LabRecord lab, CancellationToken cancel)
    {
        ManagerLink.Remove(lab);
        await RemoveLifeAsync(lab, cancel);
        if (Directory.Exists(lab.Directory))
        {
            string[] left = [.. Own.Select(name => Path.Combine(lab.Directory, name)), .. Directory.GetDirectories(lab.Directory, "h*").Where(IsHost)];
            await Tool.RunAsync("rm", ["-rf", "--one-file-system", "--", .. left], cancel);
        }
        LabStore.Remove(lab.Name);
        LabStore.RemoveIfEmpty(lab.Directory);
        if (LabStore.Names().Count == 0)
            foreach (var folder in EngineFolders.Where(lab.MadeFolders.Contains))
                LabStore.RemoveIfEmpty(folder);
    }

    private static bool IsHost(string folder) => int.TryParse(Path.GetFileName(folder)[1..], out _);

    // Hosts that are just being booted by a lab command that was killed are still joining their group: look again until
    // nobody is left.
    private static async Task EndProcessesAsync(LabRecord lab, CancellationToken cancel)
    {
        IReadOnlyCollection<int> left = [];
        var isQuiet = await Tool.UntilAsync(_ =>
        {
            left = [.. Cgroups.ProcessesBelow(lab.Name).Concat(Booting(lab)).Where(HostProcesses.IsAlive)];
            foreach (var process in left)
                HostProcesses.Signal(process, HostProcesses.Kill);
            return Task.FromResult(left.Count == 0);
        }, EndLimit, cancel);
        if (!isQuiet)
            throw new UserError($"processes of lab '{lab.Name}' did not end within {EndLimit.TotalSeconds:0} s: {string.Join(", ", left)}",
                "look at what holds them (cat /proc/PID/stack), then run the same command again");
    }

    private static IEnumerable<int> Booting(LabRecord lab)
    {
        var script = Path.Combine(lab.Directory, "boot.sh");
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id))
                continue;
            string[] command;
            try
            {
                command = File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
            }
            catch (IOException)
            {
                // It ended between being listed and being read.
                continue;
            }
            if (command is [_, var file, ..] && file == script)
                yield return id;
        }
    }

    // A child of a killed lab command may join its group at any time until then, and bring parts of the switch back: all
    // three are done again until the groups, which only an empty one lets go of, are gone.
    private static async Task RemoveLifeAsync(LabRecord lab, CancellationToken cancel)
    {
        IReadOnlyList<string> left = [];
        var isGone = await Tool.UntilAsync(async stop =>
        {
            await EndProcessesAsync(lab, stop);
            await LabSwitch.DownAsync(lab, stop);
            return (left = Cgroups.Remove(lab.Name)).Count == 0;
        }, EndLimit, cancel);
        if (!isGone)
            throw new UserError($"control groups of lab '{lab.Name}' are still in use: {string.Join(", ", left)}", "run the same command again");
    }
}
