using Berth.Manager.Gossip;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Gossip;

public sealed class MembershipDeciderTests
{
    private static readonly NodeId First = new(1);
    private static readonly NodeId Second = new(2);
    private static readonly NodeId Third = new(3);

    [Fact]
    public void A_manager_that_is_alone_has_no_membership()
    {
        Assert.Null(MembershipDecider.Next([Known(First)], First, null));
        Assert.IsType<MembershipStep.Stop>(MembershipDecider.Next([Known(First)], First, Own(First, First)));
    }

    [Fact]
    public void With_others_it_joins_and_the_lowest_id_is_asked_first()
    {
        var start = Assert.IsType<MembershipStep.Start>(MembershipDecider.Next([Known(Third), Known(First), Known(Second)], Second, null));

        Assert.Equal([At(First), At(Second), At(Third)], start.Seeds.ToArray());
    }

    [Fact]
    public void A_manager_whose_address_changed_joins_anew() =>
        Assert.IsType<MembershipStep.Stop>(MembershipDecider.Next(
            [Known(First) with { Address = "10.0.0.99:2401" }, Known(Second)], First, Own(First, First, Second)));

    [Fact]
    public void Who_was_removed_or_has_a_new_certificate_joins_anew() =>
        Assert.IsType<MembershipStep.Stop>(MembershipDecider.Next([Known(First), Known(Second)], First, Own(First, First) with { IsOver = true }));

    [Theory]
    [InlineData(59, false)]
    [InlineData(60, true)]
    public void A_member_that_is_unreachable_for_long_is_forgotten(int seconds, bool isForgotten)
    {
        var own = Own(First, First) with { Members = [Seen(First), Seen(Second) with { UnreachableFor = TimeSpan.FromSeconds(seconds) }] };

        var step = MembershipDecider.Next([Known(First), Known(Second)], First, own);

        Assert.Equal(isForgotten, step is MembershipStep.Forget forget && forget.Addresses.SequenceEqual([At(Second)]));
    }

    [Fact]
    public void A_member_that_is_no_manager_any_more_is_forgotten_once_it_is_unreachable()
    {
        var own = Own(First, First, Second, Third);
        KnownManager[] managers = [Known(First), Known(Second)];

        Assert.Null(MembershipDecider.Next(managers, First, own));
        var unreachable = own with { Members = [Seen(First), Seen(Second), Seen(Third) with { UnreachableFor = TimeSpan.FromSeconds(1) }] };
        Assert.IsType<MembershipStep.Forget>(MembershipDecider.Next(managers, First, unreachable));
    }

    [Fact]
    public void Two_memberships_become_one_around_the_lowest_id()
    {
        KnownManager[] managers = [Known(First), Known(Second)];

        Assert.IsType<MembershipStep.Stop>(MembershipDecider.Next(managers, Second, Own(Second, Second)));
        Assert.Null(MembershipDecider.Next(managers, First, Own(First, First)));
    }

    [Fact]
    public void A_lowest_one_that_does_not_answer_is_not_waited_for() => Assert.Null(MembershipDecider.Next(
        [Known(First) with { AnsweringFor = TimeSpan.Zero }, Known(Second), Known(Third)], Second, Own(Second, Second, Third)));

    // Whoever is not first gives way, and only to one that is lower: so somebody always stays, and it ends.
    [Fact]
    public void Whatever_is_seen_the_lowest_that_answers_never_leaves() =>
        Gen.Select(Gen.Int[0, 120].Array[3], Gen.Bool.Array[3]).Sample((answering, isMember) =>
        {
            NodeId[] ids = [First, Second, Third];
            KnownManager[] managers = [.. ids.Select((id, at) => Known(id) with { AnsweringFor = TimeSpan.FromSeconds(answering[at]) })];
            foreach (var me in ids)
            {
                var own = Own(me, [me, .. ids.Where((id, at) => isMember[at] && id != me)]);
                var lower = managers.Any(manager => manager.Node.Value < me.Value && manager.AnsweringFor >= MembershipDecider.ApartAfter);
                if (MembershipDecider.Next(managers, me, own) is MembershipStep.Stop)
                    Assert.True(lower);
            }
        });

    private static string At(NodeId node) => $"10.0.0.{node.Value}:2401";

    private static KnownManager Known(NodeId node) => new(node, At(node), TimeSpan.FromMinutes(5));

    private static SeenMember Seen(NodeId node) => new(node, At(node), TimeSpan.Zero);

    private static OwnMembership Own(NodeId me, params NodeId[] members) =>
        new(At(me), TimeSpan.FromMinutes(5), false, [.. members.Select(Seen)]);
}
