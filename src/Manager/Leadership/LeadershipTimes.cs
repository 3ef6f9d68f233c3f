namespace Berth.Manager.Leadership;

/// <summary>How fast the lead moves. The lease must be shorter than the silence after which others take over: what is left is for
/// clocks that run at different speeds.</summary>
public sealed record LeadershipTimes
{
    /// <summary>Between the beginnings of two renewals.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a leader believes its last renewal, from when it began.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>How long a record must have stood still before it may be taken, from when it was seen.</summary>
    public TimeSpan TakeoverAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What each rank waits longer, so that standbys do not all try at once.</summary>
    public TimeSpan RankStep { get; init; } = TimeSpan.FromMilliseconds(60);

    /// <summary>The same where the leader let go: nothing has to be waited for then but one another.</summary>
    public TimeSpan ReleasedRankStep { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>What a process that has not started yet waits longer: its start may take long on a busy machine, or never end.</summary>
    public TimeSpan StartingWait { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a leader that was demoted goes on: its last answers are given, and its host is told.</summary>
    public TimeSpan DemotedStays { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait for one answer of the store.</summary>
    public TimeSpan StoreTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between two attempts while the store does not answer.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMilliseconds(200);
}
