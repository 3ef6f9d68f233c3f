namespace Berth.Agent.Session;

/// <summary>How long a manager may leave a heartbeat unanswered. Pure.</summary>
/// <remarks>Short, because a node whose manager stalls must be with another before it is missed; longer after each time that it
/// was too short, because a manager that is merely slow must not lose its agents again and again.</remarks>
public sealed record Silence
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(0.9);
    private static readonly TimeSpan LongestAllowed = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(60);

    /// <summary>Times in a row that silence ended a session soon after it began.</summary>
    public int Losses { get; init; }

    /// <summary>Allowed for one answer.</summary>
    /// <param name="window">The rejoin window: in a large cluster the loss of a manager makes the others slow.</param>
    public TimeSpan Allowed(TimeSpan window)
    {
        var allowed = (Shortest + window / 2) * Math.Pow(2, Math.Min(Losses, 8));
        return allowed < LongestAllowed ? allowed : LongestAllowed;
    }

    /// <summary>Once a session is over.</summary>
    /// <param name="lasted">How long it had lasted.</param>
    /// <param name="bySilence">Whether silence ended it.</param>
    public Silence After(TimeSpan lasted, bool bySilence)
    {
        var losses = lasted >= Settled ? 0 : Losses;
        return new Silence { Losses = bySilence ? losses + 1 : losses };
    }
}
