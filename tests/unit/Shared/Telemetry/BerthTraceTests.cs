using Berth.Telemetry;

namespace Berth.Tests.Shared.Telemetry;

public sealed class BerthTraceTests
{
    private const string Recorded = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public void Without_a_listener_there_are_no_spans()
    {
        Assert.Null(BerthTrace.Begin("begin"));
        Assert.Null(BerthTrace.Continue("continue", Recorded));
        Assert.Equal("", BerthTrace.Parent);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-and-more-of-it")]
    [InlineData("anything of the right length, which a caller may write.")]
    public void What_is_no_recorded_trace_is_not_handed_on(string parent) => Assert.Equal("", BerthTrace.Checked(parent));

    [Fact]
    public void A_recorded_trace_is_handed_on_as_it_is() => Assert.Equal(Recorded, BerthTrace.Checked(Recorded));
}
