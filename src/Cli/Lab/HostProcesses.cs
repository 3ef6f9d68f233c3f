using System.Globalization;
using System.Runtime.InteropServices;

namespace Berth.Cli.Lab;

/// <summary>The processes of a host that the lab itself started, as ids on this machine; null when not running.</summary>
internal sealed record HostProcesses(int? Init, int? Engine, int? Containerd, int? Agent, int? Manager, int? Etcd)
{
    public int? this[Daemon daemon] => daemon switch
    {
        Daemon.Engine => Engine,
        Daemon.Agent => Agent,
        Daemon.Manager => Manager,
        _ => Etcd,
    };

    /// <summary>Reads them from the host's control group.</summary>
    public static HostProcesses Read(LabRecord lab, int number)
    {
        var known = Cgroups.Processes(lab.EngineCgroup(number)).Select(ProcessFacts.Read).OfType<ProcessFacts>().ToList();
        var init = known.Where(process => process.IsInit).Select(process => (int?)process.Id).FirstOrDefault();
        if (init is null)
            return new(null, null, null, null, null, null);
        var supervisors = known.Where(process => process.Parent == init).Select(process => process.Id).ToHashSet();
        // A daemon is a supervisor's child; a fork of the daemon that has not become another program yet is not.
        int? Find(string name) => known.Where(process => process.Name == name && supervisors.Contains(process.Parent))
            .Select(process => (int?)process.Id).FirstOrDefault();
        var containerd = known.Where(process => process.Name == "containerd").Select(process => (int?)process.Id).FirstOrDefault();
        return new(init, Find("dockerd"), containerd, Find("berth-agent"), Find("berth-manager"), Find("etcd"));
    }

    /// <summary>Whether a process exists and has not ended.</summary>
    public static bool IsAlive(int id) => ProcessFacts.Read(id) is not null;

    /// <summary>Whether a process is frozen.</summary>
    public static bool IsStopped(int id) => ProcessFacts.Read(id) is { IsStopped: true };

    /// <summary>Sends a signal; a process that is gone is no error.</summary>
    public static void Signal(int id, int signal) => _ = NativeKill(id, signal);

    public const int Terminate = 15;
    public const int Kill = 9;
    public const int Stop = 19;
    public const int Continue = 18;

    [DllImport("libc", EntryPoint = "kill", SetLastError = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int pid, int signal);
}

/// <summary>What the lab supervises in a host.</summary>
internal enum Daemon
{
    Engine,
    Agent,
    Manager,
    Etcd,
}

/// <summary>What /proc says about one process.</summary>
internal sealed record ProcessFacts(int Id, string Name, int Parent, bool IsInit, bool IsStopped)
{
    /// <summary>Null when the process is gone or a zombie.</summary>
    public static ProcessFacts? Read(int id)
    {
        try
        {
            return Parse(id, File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/status")));
        }
        catch (IOException)
        {
            // It ended between being listed and being read.
            return null;
        }
    }

    internal static ProcessFacts? Parse(int id, IReadOnlyList<string> status)
    {
        string Value(string key) => status.First(line => line.StartsWith(key + ":", StringComparison.Ordinal))[(key.Length + 1)..].Trim();
        if (Value("State").StartsWith('Z') || Value("State").StartsWith('X'))
            return null;
        // One number per nested pid namespace; the last is the id in the innermost.
        var ids = Value("NSpid").Split('\t');
        return new(id, Value("Name"), int.Parse(Value("PPid"), CultureInfo.InvariantCulture), ids.Length > 1 && ids[^1] == "1", Value("State").StartsWith('T'));
    }
}
