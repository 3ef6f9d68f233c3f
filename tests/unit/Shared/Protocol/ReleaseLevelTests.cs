using Berth.Protocol;
using CsCheck;

namespace Berth.Tests.Shared.Protocol;

public sealed class ReleaseLevelTests
{
    [Fact]
    public void Neighbours_speak_to_each_other_and_nobody_else_does()
    {
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9]).Sample((theirs, own) =>
        {
            Assert.Equal(Math.Abs(theirs - own) <= 1, ReleaseLevel.Problem("the agent", theirs, "this manager", own) is null);
            Assert.Equal(ReleaseLevel.Problem("a", theirs, "b", own) is null, ReleaseLevel.Problem("b", own, "a", theirs) is null);
        });
    }

    [Fact]
    public void The_older_one_is_told_to_go_one_release_up()
    {
        Assert.Equal(
            "the agent is of release level 1 and this manager of level 4: only neighbouring releases speak to each other; upgrade the agent, first to a release of level 2",
            ReleaseLevel.Problem("the agent", 1, "this manager", 4));
        Assert.EndsWith("upgrade this manager, first to a release of level 2", ReleaseLevel.Problem("the agent", 3, "this manager", 1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, ReleaseLevel.Newest)]
    [InlineData("", ReleaseLevel.Newest)]
    [InlineData("-1", ReleaseLevel.Newest)]
    [InlineData("99", ReleaseLevel.Newest)]
    [InlineData("1", 1)]
    [InlineData("3", 3)]
    public void A_test_may_name_a_level_near_this_source(string? text, int level) => Assert.Equal(level, ReleaseLevel.Read(text));

    [Fact]
    public void Who_names_no_level_is_of_the_first() => Assert.Equal((ReleaseLevel.First, 3), (ReleaseLevel.OfWire(0), ReleaseLevel.OfWire(3)));
}
