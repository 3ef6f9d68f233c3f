using Berth.Cli.Commands.Waiting;
using Berth.Protocol.V1;
using Verdict = Berth.Protocol.V1.ServiceProgress.Types.Verdict;

namespace Berth.Tests.Cli.Commands;

public sealed class WaitEndTests
{
    private const string OnItsWay = "on its way", Reached = "reached";

    [Theory]
    [InlineData("Converged", Verdict.Converging, OnItsWay)]
    [InlineData("Converged", Verdict.Converged, Reached)]
    [InlineData("Converged", Verdict.Paused, "update paused: why")]
    [InlineData("Converged", Verdict.RollingBack, OnItsWay)]
    [InlineData("Converged", Verdict.RolledBack, "update rolled back: why")]
    [InlineData("Converged", Verdict.RollbackPaused, "rollback paused: why")]
    [InlineData("Converged", Verdict.Removed, "was removed meanwhile")]
    [InlineData("RolledBack", Verdict.RollingBack, OnItsWay)]
    [InlineData("RolledBack", Verdict.RolledBack, Reached)]
    [InlineData("RolledBack", Verdict.RollbackPaused, "rollback paused: why")]
    [InlineData("Removed", Verdict.Converging, OnItsWay)]
    [InlineData("Removed", Verdict.Removed, Reached)]
    public void A_wait_ends_by_what_was_awaited(string end, Verdict verdict, string expected) =>
        Assert.Equal(expected, Judge(System.Enum.Parse<AwaitedEnd>(end), startsRollout: true, verdict, RolloutState.Updating));

    [Theory]
    [InlineData(false, RolloutState.RollbackCompleted, Reached)]
    [InlineData(false, RolloutState.Updating, "update rolled back: why")]
    [InlineData(true, RolloutState.RollbackCompleted, "update rolled back: why")]
    public void An_earlier_rollback_is_no_failure_of_a_command_that_replaced_nothing(bool startsRollout, RolloutState first, string expected) =>
        Assert.Equal(expected, Judge(AwaitedEnd.Converged, startsRollout, Verdict.RolledBack, first));

    private static string Judge(AwaitedEnd end, bool startsRollout, Verdict verdict, RolloutState first) =>
        WaitEnd.Judge(new Awaited("id", "web", end, startsRollout), new ServiceProgress { Verdict = verdict, Reason = "why", Running = 1, Desired = 1 }, first) switch
        {
            null => OnItsWay,
            { Failure: null } => Reached,
            { Failure: { } failure } => failure,
        };
}
