using System.Globalization;
using Berth.Agent.Engine;
using Berth.Model;

namespace Berth.Agent.Tasks;

/// <summary>How and why a task ended, in words for people.</summary>
/// <param name="State">Complete, Shutdown or Failed.</param>
/// <param name="Message">What happened.</param>
/// <param name="Err">Why it counts as failed; empty when it does not.</param>
public sealed record ExitReason(TaskState State, string Message, string Err)
{
    private const int KilledExitCode = 137;
    private const int LongestProbeOutput = 300;

    /// <summary>Docker's grace time where a spec names none.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(10);

    /// <summary>Why a container ended that was not told to.</summary>
    public static ExitReason OfItself(ContainerFacts facts, TaskSpec spec)
    {
        if (facts.ExitCode == 0 && facts.Error.Length == 0)
            return new ExitReason(TaskState.Complete, "finished", "");
        if (facts.OomKilled)
            return Failed($"killed by the kernel for want of memory{Limit(spec)}");
        var why = Signal(facts.ExitCode) is { } signal
            ? string.Create(CultureInfo.InvariantCulture, $"ended by {signal} (exit code {facts.ExitCode})")
            : string.Create(CultureInfo.InvariantCulture, $"exited with code {facts.ExitCode}");
        return Failed(facts.Error.Length == 0 ? why : $"{why}: {EngineErrors.Readable(facts.Error)}");
    }

    /// <summary>Why a container ended that was told to stop because that was desired.</summary>
    /// <param name="facts">What is true of it; null when it is gone.</param>
    /// <param name="spec">What it ran.</param>
    /// <param name="took">From the signal to its end; null when it ended before the signal.</param>
    public static ExitReason OfStopping(ContainerFacts? facts, TaskSpec spec, TimeSpan? took)
    {
        var grace = spec.Container.StopGracePeriod ?? DefaultGrace;
        var signal = spec.Container.StopSignal ?? "the stop signal";
        var ignored = facts?.ExitCode == KilledExitCode && took >= grace && !signal.EndsWith("KILL", StringComparison.OrdinalIgnoreCase);
        return new ExitReason(
            TaskState.Shutdown,
            ignored ? string.Create(CultureInfo.InvariantCulture, $"killed: it still ran {grace.TotalSeconds:0.###} s after {signal}") : "stopped",
            "");
    }

    /// <summary>Why a task failed whose health check gave it up.</summary>
    public static ExitReason OfUnhealthy(string probeOutput)
    {
        var output = probeOutput.Length <= LongestProbeOutput ? probeOutput : probeOutput[..LongestProbeOutput] + "…";
        return Failed(output.Length == 0 ? "unhealthy: its last probe failed without output" : $"unhealthy: {output.ReplaceLineEndings(" ")}");
    }

    private static ExitReason Failed(string err) => new(TaskState.Failed, "failed", err);

    private static string Limit(TaskSpec spec)
    {
        var bytes = spec.Resources.Limits.MemoryBytes;
        return bytes == 0 ? " (the host ran out of it: the task has no limit)" : $", limit {Size(bytes)}";
    }

    private static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 when bytes % (1L << 30) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 30} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
    };

    private static string? Signal(int exitCode) => (exitCode - 128) switch
    {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => null,
    };
}
