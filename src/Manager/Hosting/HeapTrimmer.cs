using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>Gives memory back after a burst. The collector keeps what a large deployment made it take, for months if nothing
/// large happens again; so when the manager has become quiet, one compacting collection returns it.</summary>
internal sealed class HeapTrimmer(TimeProvider time, ILogger<HeapTrimmer> log) : BackgroundService
{
    /// <summary>How often it looks, and so how long it must have been quiet.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    // Heartbeats of a thousand nodes make about 2 MB a second.
    private const long QuietBytes = 48L << 20;
    private const long WorthwhileBytes = 32L << 20;

    /// <summary>Whether to collect now: the heap is half again as large as after the last time, or as at the start, and little
    /// is being made. The pause must fall into no burst.</summary>
    /// <param name="allocated">Bytes made within the last <see cref="Period"/>.</param>
    /// <param name="committed">Bytes the heap has of the system.</param>
    /// <param name="trimmed">What it had after the last time.</param>
    public static bool IsDue(long allocated, long committed, long trimmed) =>
        allocated < QuietBytes && committed > trimmed + trimmed / 2 + WorthwhileBytes;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        var allocated = GC.GetTotalAllocatedBytes();
        var trimmed = 0L;
        while (await IsTimeAsync(timer, stoppingToken))
        {
            var before = allocated;
            allocated = GC.GetTotalAllocatedBytes();
            // The runtime tells what it committed as of its last collection: a burst has had many.
            var committed = GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
            if (!IsDue(allocated - before, committed, trimmed))
                continue;
            var paused = GC.GetTotalPauseDuration();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            trimmed = GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
            log.LogInformation("Gave memory back: the heap shrank from {Before} to {After} MiB, with a pause of {Pause:0} ms",
                committed >> 20, trimmed >> 20, (GC.GetTotalPauseDuration() - paused).TotalMilliseconds);
        }
    }

    private static async Task<bool> IsTimeAsync(PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
