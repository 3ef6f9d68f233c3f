using System.Threading.Channels;
using Berth.Agent.Tasks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Agent.Tasks;

public sealed class ImagePullsTests : IDisposable
{
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(30));
    private readonly HangingRegistry _engine = new();
    private readonly ImagePulls _pulls;

    public ImagePullsTests() => _pulls = new ImagePulls(_engine, NullLogger.Instance, TimeProvider.System, CancellationToken.None);

    public void Dispose() => _deadline.Dispose();

    [Fact]
    public async Task Many_that_wait_for_an_image_share_one_pull_which_outlives_those_that_leave()
    {
        using var leaving = new CancellationTokenSource();
        var (one, two) = (_pulls.PullAsync("web:1", leaving.Token), _pulls.PullAsync("web:1", _deadline.Token));
        var pull = await _engine.Begun.ReadAsync(_deadline.Token);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        Assert.False(pull.IsGivenUp.IsCancellationRequested);

        pull.End.SetResult();
        await two;
        Assert.False(_engine.Begun.TryRead(out _));
    }

    [Fact]
    public async Task Pulls_that_hang_and_that_nobody_wants_any_more_make_room_for_others()
    {
        for (var image = 1; image <= 3; image++)
        {
            using var leaving = new CancellationTokenSource();
            var waiting = _pulls.PullAsync($"hangs:{image}", leaving.Token);
            var pull = await _engine.Begun.ReadAsync(_deadline.Token);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            Assert.True(pull.IsGivenUp.IsCancellationRequested);
        }

        var wanted = _pulls.PullAsync("web:1", _deadline.Token);
        (await _engine.Begun.ReadAsync(_deadline.Token)).End.SetResult();
        await wanted;
    }

    private sealed record Pull(TaskCompletionSource End, CancellationToken IsGivenUp);

    /// <summary>Pulls end when a test says so.</summary>
    private sealed class HangingRegistry : UnaskedEngine
    {
        private readonly Channel<Pull> _begun = Channel.CreateUnbounded<Pull>();

        public ChannelReader<Pull> Begun => _begun.Reader;

        public override Task PullAsync(string image, CancellationToken cancellation)
        {
            var pull = new Pull(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), cancellation);
            _begun.Writer.TryWrite(pull);
            return pull.End.Task.WaitAsync(cancellation);
        }
    }
}
