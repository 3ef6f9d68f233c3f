using Berth.Identity;

namespace Berth.Agent.Membership;

/// <summary>When a certificate is renewed. Pure.</summary>
public static class RenewalPlan
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ExpiredRetry = TimeSpan.FromSeconds(15);

    /// <summary>When to ask for the next certificate.</summary>
    /// <param name="subject">The present one.</param>
    /// <param name="chance">0 to 1, drawn once a certificate: nodes that joined together do not all come back together.</param>
    /// <param name="failures">Attempts in a row that failed.</param>
    /// <param name="lastAttempt">When the last of them was.</param>
    /// <param name="wantedBy">By when a manager wants it sooner; null when none does.</param>
    /// <returns>At half of its life, or by when it is wanted; after failures soon again, ever less often, and many times
    /// before it expires however short its life; once it has expired, an approval is waited for quietly.</returns>
    public static DateTimeOffset NextAttempt(
        NodeCertificate subject, double chance, int failures, DateTimeOffset lastAttempt, DateTimeOffset? wantedBy)
    {
        var planned = ProcessIdentity.RenewAt(subject, chance);
        if (wantedBy < planned)
            planned = wantedBy.Value;
        if (failures == 0)
            return planned;
        if (lastAttempt >= subject.NotAfter)
            return lastAttempt + ExpiredRetry * (0.75 + chance / 2);
        var life = subject.NotAfter - subject.NotBefore;
        var pause = FirstRetry * Math.Pow(2, Math.Min(failures, 10) - 1);
        var longest = life / 20 < LongestRetry ? life / 20 : LongestRetry;
        var retry = lastAttempt + (pause < longest ? pause : longest) * (0.75 + chance / 2);
        return retry < subject.NotAfter ? retry : subject.NotAfter;
    }
}
