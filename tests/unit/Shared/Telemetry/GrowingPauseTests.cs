using Berth.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Shared.Telemetry;

public sealed class GrowingPauseTests
{
    [Fact]
    public void What_fails_every_second_is_said_less_and_less_often_but_never_forgotten()
    {
        var time = new FakeTimeProvider();
        var pause = new GrowingPause(time);
        var said = new List<(int Second, int Unsaid)>();
        for (var second = 0; second < 4 * 3600; second++)
        {
            if (pause.IsDue("no space", out var unsaid))
                said.Add((second, unsaid));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal([(0, 0), (60, 59), (180, 119), (420, 239), (900, 479), (1860, 959), (3780, 1919), (7380, 3599), (10980, 3599)], said);
    }

    [Fact]
    public void Another_problem_and_one_that_comes_back_are_said_at_once()
    {
        var pause = new GrowingPause(new FakeTimeProvider());
        Assert.True(pause.IsDue("no space", out _));
        Assert.False(pause.IsDue("no space", out _));
        Assert.True(pause.IsDue("denied", out var unsaid));
        Assert.Equal(0, unsaid);
        pause.Over();
        Assert.True(pause.IsDue("denied", out _));
    }
}
