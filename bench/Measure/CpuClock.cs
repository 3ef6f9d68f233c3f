using System.Globalization;

namespace Berth.Bench.Measure;

/// <summary>CPU time of process groups and processes, from the kernel's own accounts.</summary>
public static class CpuClock
{
    private const double TicksPerSecond = 100;

    /// <summary>CPU seconds used so far by a control group and all below it (cgroup v1 cpuacct, else v2 cpu.stat).</summary>
    public static double OfGroup(string group)
    {
        var usage = $"/sys/fs/cgroup/cpuacct/{group}/cpuacct.usage";
        if (File.Exists(usage))
            return long.Parse(File.ReadAllText(usage), CultureInfo.InvariantCulture) / 1e9;
        var line = File.ReadLines($"/sys/fs/cgroup/{group}/cpu.stat").First(text => text.StartsWith("usage_usec ", StringComparison.Ordinal));
        return long.Parse(line["usage_usec ".Length..], CultureInfo.InvariantCulture) / 1e6;
    }

    /// <summary>CPU seconds used so far by a process, its ended threads included; steps of 10 ms.</summary>
    public static double OfProcess(int pid)
    {
        var fields = Stat(pid);
        return (Number(fields, 11) + Number(fields, 12)) / TicksPerSecond;
    }

    /// <summary>CPU seconds used so far by this process's ended children; steps of 10 ms.</summary>
    public static double OfEndedChildren()
    {
        var fields = Stat(Environment.ProcessId);
        return (Number(fields, 13) + Number(fields, 14)) / TicksPerSecond;
    }

    /// <summary>Resident memory of a process, MiB.</summary>
    public static double ResidentMebibytes(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0;
    }

    // Fields after the command's name, which may hold spaces.
    private static string[] Stat(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static double Number(string[] fields, int at) => long.Parse(fields[at], CultureInfo.InvariantCulture);
}
