using Berth.Manager.Hosting;

namespace Berth.Tests.Manager.Hosting;

public sealed class HeapTrimmerTests
{
    private const long Mebi = 1 << 20;

    [Theory]
    [InlineData(10, 170, 0, true)]
    [InlineData(10, 170, 75, true)]
    [InlineData(10, 140, 75, false)]
    [InlineData(10, 30, 0, false)]
    [InlineData(400, 170, 0, false)]
    public void Memory_is_given_back_when_the_heap_has_grown_and_the_burst_is_over(long allocated, long committed, long trimmed, bool expected) =>
        Assert.Equal(expected, HeapTrimmer.IsDue(allocated * Mebi, committed * Mebi, trimmed * Mebi));
}
