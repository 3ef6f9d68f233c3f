namespace Berth.Manager.Replication;

/// <summary>How links between managers are kept.</summary>
public sealed record LinkTimes
{
    /// <summary>Each side speaks at least so often.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>A side that is silent for so long is gone: the connection may be cut without anybody being told.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For the first answer on a new connection.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between two attempts to reach the leader.</summary>
    public TimeSpan Redial { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a registration waits for a leader before its agent is told that there is none.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(8);
}
