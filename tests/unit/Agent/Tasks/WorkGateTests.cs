using Berth.Agent.Tasks;

namespace Berth.Tests.Agent.Tasks;

public sealed class WorkGateTests
{
    [Fact]
    public async Task The_most_urgent_goes_first_and_equals_keep_their_order()
    {
        var gate = new WorkGate(1);
        var first = await gate.EnterAsync(5, default);
        var order = new List<string>();
        var waiting = new[] { ("later", 2), ("urgent", 1), ("last", 2) }.Select(async work =>
        {
            using var place = await gate.EnterAsync(work.Item2, default);
            order.Add(work.Item1);
        }).ToArray();
        first.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal(["urgent", "later", "last"], order);
    }

    [Fact]
    public async Task Who_gives_up_waiting_takes_no_place()
    {
        var gate = new WorkGate(1);
        var first = await gate.EnterAsync(0, default);
        using var cancel = new CancellationTokenSource();
        var waiting = gate.EnterAsync(0, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        first.Dispose();
        (await gate.EnterAsync(0, default)).Dispose();
    }
}
