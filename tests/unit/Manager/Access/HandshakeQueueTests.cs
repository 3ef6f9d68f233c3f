using Berth.Manager.Access;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Manager.Access;

public sealed class HandshakeQueueTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly HandshakeQueue _queue;

    public HandshakeQueueTests() => _queue = new HandshakeQueue(2, _time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public async Task Only_so_many_go_on_at_once_and_the_others_follow_in_order()
    {
        var entering = Enumerable.Range(0, 5).Select(_ => _queue.EnterAsync(default)).ToList();
        Assert.Equal([true, true, false, false, false], entering.Select(one => one.IsCompleted));

        (await entering[1])!.Dispose();
        await entering[2];
        Assert.False(entering[3].IsCompleted);

        // A place is given back once, however often its holder leaves.
        (await entering[1])!.Dispose();
        await Task.Delay(50);
        Assert.False(entering[3].IsCompleted);
    }

    [Fact]
    public async Task Who_gave_up_is_passed_over()
    {
        using var hangsUp = new CancellationTokenSource();
        var first = await _queue.EnterAsync(default);
        await _queue.EnterAsync(default);
        var impatient = _queue.EnterAsync(hangsUp.Token);
        var patient = _queue.EnterAsync(default);

        await hangsUp.CancelAsync();
        Assert.Null(await impatient);
        Assert.False(patient.IsCompleted);
        first!.Dispose();
        Assert.NotNull(await patient);
    }

    [Fact]
    public async Task Peers_that_answer_nothing_keep_nobody_waiting_for_long()
    {
        await _queue.EnterAsync(default);
        await _queue.EnterAsync(default);
        var waiting = new[] { _queue.EnterAsync(default), _queue.EnterAsync(default), _queue.EnterAsync(default) };
        Assert.All(waiting, one => Assert.False(one.IsCompleted));

        _time.Advance(HandshakeQueue.PlaceTime);
        await Task.WhenAll(waiting[..2]);
        Assert.False(waiting[2].IsCompleted);
    }
}
