namespace Berth.Agent.Session;

/// <summary>How long to wait before dialling again.</summary>
public static class Backoff
{
    /// <summary>No wait before a first retry is longer than this.</summary>
    public static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);

    /// <summary>No wait at all is longer than this.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    /// <summary>Doubles with each failure in a row, and is spread so that agents do not come all at once.</summary>
    /// <param name="failures">Failures in a row, from 1.</param>
    /// <param name="chance">0 to 1.</param>
    public static TimeSpan Delay(int failures, double chance)
    {
        var full = Math.Min(First.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 16) - 1), Longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(full * (0.5 + chance / 2));
    }
}
