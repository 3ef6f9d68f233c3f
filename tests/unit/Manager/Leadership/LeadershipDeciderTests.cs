using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Leadership;

public sealed class LeadershipDeciderTests
{
    private static readonly LeadershipTimes Times = new();
    private static readonly LeaderRecord Led = new(3, new NodeId(1), "https://10.0.0.1:2400", 17);

    [Fact]
    public void A_process_that_knows_nothing_looks_first() =>
        Assert.IsType<LeadershipStep.Look>(Next(LeadershipState.Start, At(0)));

    [Fact]
    public void A_record_that_stood_still_for_a_second_is_taken_and_one_that_moves_is_not()
    {
        var state = LeadershipDecider.OnSeen(LeadershipState.Start, Led, At(100));
        Assert.Equal(new LeadershipStep.Wait(At(1100)), Next(state, At(1099)));
        Assert.Equal(new LeadershipStep.Take(Led), Next(state, At(1100)));

        state = LeadershipDecider.OnSeen(state, Led with { Renewals = 18 }, At(1050));
        Assert.Equal(new LeadershipStep.Wait(At(2050)), Next(state, At(1100)));
    }

    [Fact]
    public void Seeing_the_same_again_is_no_sign_of_life()
    {
        var state = LeadershipDecider.OnSeen(LeadershipState.Start, Led, At(100));
        Assert.Equal(new LeadershipStep.Take(Led), Next(LeadershipDecider.OnSeen(state, Led, At(1000)), At(1100)));
    }

    [Fact]
    public void Higher_ranks_wait_longer_and_nobody_waits_a_second_for_a_leader_that_let_go()
    {
        var silent = LeadershipDecider.OnSeen(LeadershipState.Start, Led, At(0));
        Assert.Equal(new LeadershipStep.Wait(At(1120)), Next(silent, At(0), rank: 2));
        var free = LeadershipDecider.OnSeen(LeadershipState.Start, Led with { Holder = null }, At(0));
        Assert.Equal(new LeadershipStep.Take(Led with { Holder = null }), Next(free, At(0)));
        Assert.Equal(new LeadershipStep.Wait(At(40)), Next(free, At(0), rank: 2));
    }

    [Fact]
    public void One_that_is_still_starting_leaves_the_lead_to_those_who_have_started_unless_nobody_comes_or_ever_led()
    {
        var silent = LeadershipDecider.OnSeen(LeadershipState.Start, Led, At(0));
        Assert.Equal(new LeadershipStep.Wait(At(16_000)), Next(silent, At(1100), isReady: false));
        Assert.Equal(new LeadershipStep.Take(Led), Next(silent, At(16_000), isReady: false));
        Assert.Equal(new LeadershipStep.Take(Led), Next(silent, At(1100)));
        var none = LeadershipDecider.OnSeen(LeadershipState.Start, LeaderRecord.None, At(0));
        Assert.Equal(new LeadershipStep.Take(LeaderRecord.None), Next(none, At(0), isReady: false));
    }

    [Fact]
    public void A_demoted_manager_takes_nothing_and_hands_over_what_it_has()
    {
        Assert.IsType<LeadershipStep.Look>(Next(LeadershipState.Start, At(0), demotedAt: At(0)));
        var free = LeadershipDecider.OnSeen(LeadershipState.Start, Led with { Holder = null }, At(0));
        Assert.Equal(new LeadershipStep.Wait(At(61_000)), Next(free, At(60_000), demotedAt: At(0)));

        var leading = LeadershipDecider.OnTaken(free, Led, At(100));
        Assert.IsType<LeadershipStep.Renew>(Next(leading, At(2099), demotedAt: At(100)));
        Assert.IsType<LeadershipStep.Leave>(Next(leading, At(2100), demotedAt: At(100)));
    }

    [Fact]
    public void A_hint_makes_it_look_and_take_nothing_earlier()
    {
        var state = LeadershipDecider.OnSeen(LeadershipState.Start, Led, At(0)) with { MustLook = true };
        Assert.IsType<LeadershipStep.Look>(Next(state, At(10)));
        Assert.Equal(new LeadershipStep.Wait(At(1000)), Next(LeadershipDecider.OnSeen(state, Led, At(20)), At(20)));
    }

    [Fact]
    public void A_record_that_had_changed_is_read_anew()
    {
        var state = LeadershipDecider.OnSeen(LeadershipState.Start, Led, At(0));
        Assert.IsType<LeadershipStep.Look>(Next(LeadershipDecider.OnMissed(state), At(2000)));
    }

    [Fact]
    public void A_leader_renews_four_times_a_second_and_believes_a_renewal_from_its_beginning()
    {
        var state = LeadershipDecider.OnTaken(LeadershipState.Start, Led, At(0));
        Assert.Equal(new LeadershipStep.Wait(At(250)), Next(state, At(200)));
        Assert.Equal(new LeadershipStep.Renew(3), Next(state, At(250)));
        Assert.True(LeadershipDecider.HasLease(state, At(799), Times));
        Assert.False(LeadershipDecider.HasLease(state, At(800), Times));

        state = LeadershipDecider.OnRenewed(LeadershipDecider.OnTrying(state, At(300)), At(300));
        Assert.True(LeadershipDecider.HasLease(state, At(1099), Times));
        Assert.False(LeadershipDecider.HasLease(LeadershipDecider.OnOver(state), At(300), Times));
    }

    [Fact]
    public void The_rank_is_the_place_among_the_managers()
    {
        NodeId[] managers = [new(7), new(3), new(5)];
        Assert.Equal([0, 1, 2], managers.Order().Select(me => LeadershipDecider.Rank(managers, me)));
        Assert.Equal(3, LeadershipDecider.Rank(managers, new NodeId(9)));
    }

    private static LeadershipStep Next(LeadershipState state, TimeSpan now, int rank = 0, bool isReady = true, TimeSpan? demotedAt = null) =>
        LeadershipDecider.Next(state, rank, isReady, demotedAt, now, Times);

    private static TimeSpan At(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);
}
