namespace Berth.Model;

/// <summary>How long a restart waits: the same for managers, and for an agent while no manager is there. docs/restart.md
/// explains the figures.</summary>
public static class RestartBackoff
{
    /// <summary>The longest backoff, unless the policy's own delay is longer.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(5);

    /// <summary>A task that ran this long is no quick failure: backoff begins anew.</summary>
    public static readonly TimeSpan LongRun = TimeSpan.FromMinutes(10);

    /// <summary>What backoff doubles from where the policy's delay is shorter: a delay of zero must not become a storm.</summary>
    public static readonly TimeSpan ShortestBase = TimeSpan.FromSeconds(1);

    /// <summary>The wait before the restart that follows so many quick failures: <c>delay × 2^failures</c>, at most
    /// <see cref="LongestDelay"/>.</summary>
    public static TimeSpan Wait(TimeSpan delay, int failures)
    {
        if (failures <= 0 || delay >= LongestDelay)
            return delay;
        var from = delay > ShortestBase ? delay : ShortestBase;
        var seconds = from.TotalSeconds * Math.Pow(2, Math.Min(failures, 30));
        return seconds >= LongestDelay.TotalSeconds ? LongestDelay : TimeSpan.FromSeconds(seconds);
    }
}
