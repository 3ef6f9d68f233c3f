using Berth.Cli.Client;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Cli.Client;

public sealed class RaceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _asked = [];
    private readonly Dictionary<string, TaskCompletionSource<string>> _answers = new()
    {
        ["a"] = new(TaskCreationOptions.RunContinuationsAsynchronously),
        ["b"] = new(TaskCreationOptions.RunContinuationsAsynchronously),
        ["c"] = new(TaskCreationOptions.RunContinuationsAsynchronously),
    };

    [Fact]
    public async Task Who_answers_in_time_is_the_only_one_asked()
    {
        _answers["a"].SetResult("yes");

        Assert.Equal(("a", "yes"), await Run());
        Assert.Equal(["a"], _asked);
    }

    [Fact]
    public async Task Who_keeps_silent_is_joined_by_the_next_after_the_patience()
    {
        var race = Run();
        Assert.Equal(["a"], _asked);

        await AdvanceUntil(() => _asked.Count == 2);
        _answers["b"].SetResult("yes");

        Assert.Equal(("b", "yes"), await race);
        Assert.Equal(["a", "b"], _asked);
    }

    [Fact]
    public async Task The_first_may_still_win_after_others_were_asked()
    {
        var race = Run();
        await AdvanceUntil(() => _asked.Count == 3);
        _answers["a"].SetResult("late");

        Assert.Equal(("a", "late"), await race);
    }

    [Fact]
    public async Task A_failure_that_leaves_hope_passes_to_the_next_at_once()
    {
        _answers["a"].SetException(new IOException("away"));
        _answers["b"].SetResult("yes");

        Assert.Equal(("b", "yes"), await Run());
    }

    [Fact]
    public async Task A_refusal_is_the_races_answer()
    {
        _answers["a"].SetException(new InvalidOperationException("no"));

        Assert.Equal("no", (await Assert.ThrowsAsync<InvalidOperationException>(Run)).Message);
        Assert.Equal(["a"], _asked);
    }

    [Fact]
    public async Task When_all_fail_each_has_its_reason()
    {
        foreach (var (name, answer) in _answers)
            answer.SetException(new IOException(name + " is away"));

        var lost = await Assert.ThrowsAsync<RaceLostException<string>>(Run);

        Assert.Equal(["a is away", "b is away", "c is away"], lost.Failures.Select(failure => failure.Failure.Message));
    }

    private Task<(string By, string Answer)> Run() => Race.Run(["a", "b", "c"], Patience, (name, _) =>
    {
        lock (_asked)
            _asked.Add(name);
        return _answers[name].Task;
    }, failure => failure is IOException, _time, CancellationToken.None);

    private async Task AdvanceUntil(Func<bool> condition)
    {
        for (var steps = 0; !condition() && steps < 1000; steps++)
        {
            _time.Advance(Patience);
            await Task.Delay(1);
        }
        Assert.True(condition());
    }
}
