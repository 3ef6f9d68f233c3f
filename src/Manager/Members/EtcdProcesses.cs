using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Berth.Manager.Members;

/// <summary>Ends the etcd of this host, which its supervisor starts again while its file is there.</summary>
internal static class EtcdProcesses
{
    private const int Terminate = 15;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Tells every etcd that was started from <paramref name="file"/> to end, and waits for it.</summary>
    public static async Task EndAsync(string file, TimeSpan within, TimeProvider time, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        foreach (var pid in Find(file))
            _ = Kill(pid, Terminate);
        while (Find(file) is { Count: > 0 } left)
        {
            if (time.GetElapsedTime(begun) > within)
                throw new IOException($"etcd (process {left[0]}) did not end within {within.TotalSeconds:0} s; end it by hand: kill {left[0]}");
            await Task.Delay(LookEvery, time, cancellation);
        }
    }

    private static List<int> Find(string file)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                var line = File.ReadAllText(Path.Combine(directory, "cmdline")).Split('\0');
                if (Path.GetFileName(line[0]) == "etcd" && line.Contains(file, StringComparer.Ordinal))
                    found.Add(pid);
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is nobody's whom this process may look at.
            }
        }
        return found;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
