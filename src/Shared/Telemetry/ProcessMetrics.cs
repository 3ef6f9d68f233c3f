using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Berth.Telemetry;

/// <summary>What every process says of itself.</summary>
public static class ProcessMetrics
{
    /// <summary>Shows CPU, memory, threads, files, garbage collection, age and version of this process.</summary>
    /// <param name="page">Where.</param>
    /// <param name="program">Such as <c>berth-manager</c>.</param>
    /// <param name="version">Such as <c>0.1.0</c>.</param>
    public static void Show(MetricsPage page, string program, string version)
    {
        page.Observe("berth.build_info", MetricKind.Gauge, "Always 1; the labels say what runs.", () =>
            [new Measurement<double>(1, [new("program", program), new("version", version), new("runtime", Environment.Version.ToString())])]);
        page.Observe("process.cpu", MetricKind.Counter, "CPU time used, user and system.", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s");
        page.Observe("process.resident_memory", MetricKind.Gauge, "Memory of this process that is in RAM.", () => Environment.WorkingSet, "By");
        page.Observe("process.threads", MetricKind.Gauge, "Threads of this process.", () => Entries("/proc/self/task"));
        page.Observe("process.open_fds", MetricKind.Gauge, "Open files and sockets.", () => Entries("/proc/self/fd"));
        page.Observe("process.start_time", MetricKind.Gauge, "When this process was started, Unix time.", StartTime(), "s");
        page.Observe("dotnet.gc.collections", MetricKind.Counter, "Garbage collections by generation.", () =>
            Enumerable.Range(0, GC.MaxGeneration + 1).Select(generation => new Measurement<double>(GC.CollectionCount(generation), [new("generation", generation)])));
        page.Observe("dotnet.gc.heap", MetricKind.Gauge, "Managed memory in use.", () => GC.GetTotalMemory(forceFullCollection: false), "By");
        page.Observe("dotnet.gc.pause", MetricKind.Counter, "Time for which collections stopped the process.", () => GC.GetTotalPauseDuration().TotalSeconds, "s");
        page.Observe("dotnet.threadpool.queue", MetricKind.Gauge, "Work that waits for a thread.", () => ThreadPool.PendingWorkItemCount);
    }

    private static double Entries(string folder) => Directory.EnumerateFileSystemEntries(folder).Count();

    private static Func<double> StartTime()
    {
        using var self = Process.GetCurrentProcess();
        var started = new DateTimeOffset(self.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1e3;
        return () => started;
    }
}
