using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Waiting;

/// <summary>What a service is to come to.</summary>
internal enum AwaitedEnd
{
    /// <summary>It runs as its new spec says.</summary>
    Converged,

    /// <summary>It is back at its previous spec, because a person asked for that.</summary>
    RolledBack,

    /// <summary>It and its tasks are gone.</summary>
    Removed,
}

/// <summary>A service that a command waits for.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="End">What it is to come to.</param>
/// <param name="StartsRollout">Whether the command itself began replacing tasks: then how that ends is the command's result.</param>
internal sealed record Awaited(string Id, string Name, AwaitedEnd End, bool StartsRollout);

/// <summary>How waiting for one service ended.</summary>
/// <param name="Failure">Why it did not come to what was awaited; null when it did.</param>
internal sealed record WaitEnd(string? Failure)
{
    /// <summary>As awaited.</summary>
    public static WaitEnd Reached { get; } = new((string?)null);

    /// <summary>Judges what a manager says of an awaited service: null while it is still on its way.</summary>
    /// <param name="awaited">What the command waits for.</param>
    /// <param name="now">The newest word.</param>
    /// <param name="first">How its rollout stood when the wait began. A rollback that was over by then is old news for a command
    /// that replaced no task.</param>
    public static WaitEnd? Judge(Awaited awaited, ServiceProgress now, RolloutState first) => (awaited.End, now.Verdict) switch
    {
        (AwaitedEnd.Removed, ServiceProgress.Types.Verdict.Removed) => Reached,
        (AwaitedEnd.Removed, _) => null,
        (_, ServiceProgress.Types.Verdict.Removed) => new WaitEnd("was removed meanwhile"),
        (_, ServiceProgress.Types.Verdict.Converged) => Reached,
        (_, ServiceProgress.Types.Verdict.Paused) => new WaitEnd(Because("update paused", now)),
        (_, ServiceProgress.Types.Verdict.RollbackPaused) => new WaitEnd(Because("rollback paused", now)),
        (AwaitedEnd.RolledBack, ServiceProgress.Types.Verdict.RolledBack) => Reached,
        (_, ServiceProgress.Types.Verdict.RolledBack) when !awaited.StartsRollout && first == RolloutState.RollbackCompleted => Reached,
        (_, ServiceProgress.Types.Verdict.RolledBack) => new WaitEnd(Because("update rolled back", now)),
        _ => null,
    };

    private static string Because(string what, ServiceProgress now) =>
        Output.ServiceProgressText.WithReason(what, now.Reason.Length > 0 ? now.Reason : now.Rollout?.Message ?? "");
}
