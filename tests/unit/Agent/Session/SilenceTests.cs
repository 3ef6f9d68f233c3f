using Berth.Agent.Session;
using CsCheck;

namespace Berth.Tests.Agent.Session;

public sealed class SilenceTests
{
    [Fact]
    public void A_stalled_manager_is_left_before_its_nodes_are_missed() =>
        Assert.True(new Silence().Allowed(TimeSpan.Zero) < TimeSpan.FromSeconds(1));

    [Fact]
    public void A_manager_that_is_merely_slow_is_given_ever_more_time_and_a_good_one_little_again()
    {
        Gen.Int[1, 20].Sample(losses =>
        {
            var silence = new Silence();
            for (var at = 0; at < losses; at++)
            {
                var next = silence.After(TimeSpan.FromSeconds(3), bySilence: true);
                Assert.InRange(next.Allowed(TimeSpan.Zero), silence.Allowed(TimeSpan.Zero), TimeSpan.FromSeconds(8));
                silence = next;
            }
            Assert.Equal(silence, silence.After(TimeSpan.FromSeconds(3), bySilence: false));
            Assert.Equal(new Silence(), silence.After(TimeSpan.FromMinutes(2), bySilence: false));
        });
    }
}
