namespace Berth.Manager.Access;

/// <summary>How many refusals are written down one by one: whoever is refused again and again must not push what others did out of
/// the log. Pure.</summary>
/// <param name="Window">Which stretch of time it counts.</param>
/// <param name="Written">Refusals written in it.</param>
/// <param name="LeftOut">Refusals counted only.</param>
public readonly record struct RefusalBudget(long Window, int Written, int LeftOut)
{
    /// <summary>How long a stretch is.</summary>
    public static readonly TimeSpan WindowLength = TimeSpan.FromSeconds(10);

    /// <summary>Refusals written in a stretch.</summary>
    public const int Most = 100;

    /// <summary>Another refusal.</summary>
    /// <param name="elapsed">By the monotonic clock.</param>
    /// <returns>The budget after it, whether it is written, and how many of earlier stretches were not and must be told now.</returns>
    public (RefusalBudget After, bool IsWritten, int Owed) Take(TimeSpan elapsed)
    {
        var (fresh, owed) = Settle(elapsed);
        return fresh.Written < Most
            ? (fresh with { Written = fresh.Written + 1 }, true, owed)
            : (fresh with { LeftOut = fresh.LeftOut + 1 }, false, owed);
    }

    /// <summary>Time has passed.</summary>
    /// <returns>The budget now, and how many of earlier stretches must be told.</returns>
    public (RefusalBudget After, int Owed) Settle(TimeSpan elapsed)
    {
        var window = elapsed.Ticks / WindowLength.Ticks;
        return window == Window ? (this, 0) : (new RefusalBudget(window, 0, 0), LeftOut);
    }
}
