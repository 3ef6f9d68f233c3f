using System.Collections.Immutable;
using Berth.Manager.Members;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Members;

/// <summary>Nobody demotes a quorum away by mistake.</summary>
public sealed class ManagerQuorumTests
{
    private static readonly Gen<ImmutableArray<ManagerView>> Managers = Gen.Bool.List[1, 7].Select(alive =>
        alive.Select((isAlive, place) => new ManagerView(new NodeId((UInt128)(place + 1)), $"berth{place + 1}", isAlive)).ToImmutableArray());

    [Fact]
    public void What_is_left_after_a_demotion_without_force_can_still_decide() => Gen.Select(Managers, Gen.Int[1, 7]).Sample((managers, number) =>
    {
        var leaving = new NodeId((UInt128)number);
        if (managers.All(manager => manager.Node != leaving) || ManagerQuorum.Problem(managers, leaving, needsMajority: true, isForced: false) is not null)
            return;
        var left = managers.Where(manager => manager.Node != leaving).ToList();
        Assert.True(left.Count(manager => manager.IsAlive) > left.Count / 2);
    });

    [Fact]
    public void A_demotion_that_leaves_a_majority_is_never_refused() => Gen.Select(Managers, Gen.Int[1, 7]).Sample((managers, number) =>
    {
        var leaving = new NodeId((UInt128)number);
        var left = managers.Where(manager => manager.Node != leaving).ToList();
        var mayDecide = managers.Count(manager => manager.IsAlive) > managers.Length / 2 && left.Count(manager => manager.IsAlive) > left.Count / 2;
        if (left.Count > 0 && left.Count < managers.Length && mayDecide)
            Assert.Null(ManagerQuorum.Problem(managers, leaving, needsMajority: true, isForced: false));
    });

    [Fact]
    public void The_last_manager_is_never_demoted() => Gen.Bool.Array[3].Sample(flags => Assert.Contains("only manager",
        ManagerQuorum.Problem([new ManagerView(new NodeId(1), "berth1", flags[0])], new NodeId(1), flags[1], flags[2]), StringComparison.Ordinal));

    [Fact]
    public void A_refusal_says_the_numbers_and_what_to_do()
    {
        ImmutableArray<ManagerView> managers = [new(new NodeId(1), "berth1", true), new(new NodeId(2), "berth2", true), new(new NodeId(3), "berth3", false)];
        var refused = ManagerQuorum.Problem(managers, new NodeId(2), needsMajority: true, isForced: false);

        Assert.Equal("without 'berth2' 1 of 2 managers would answer, and 2 are needed: the cluster could be read but not changed. "
            + "Start 'berth3' again or demote what is lost first; --force does it all the same", refused);
        Assert.Null(ManagerQuorum.Problem(managers, new NodeId(2), needsMajority: true, isForced: true));
        Assert.Null(ManagerQuorum.Problem(managers, new NodeId(3), needsMajority: true, isForced: false));
    }

    [Fact]
    public void Without_a_majority_not_even_force_helps_and_the_way_out_is_named() => Assert.Contains("berth cluster recover", ManagerQuorum.Problem(
        [new(new NodeId(1), "berth1", true), new(new NodeId(2), "berth2", false), new(new NodeId(3), "berth3", false)], new NodeId(2), needsMajority: true, isForced: true), StringComparison.Ordinal);

    [Fact]
    public void Even_numbers_single_managers_and_losses_get_advice()
    {
        ImmutableArray<ManagerView> all = [.. Enumerable.Range(1, 5).Select(number => new ManagerView(new NodeId((UInt128)number), $"berth{number}", true))];

        Assert.Empty(ManagerQuorum.Advice([.. all.Take(3)], needsMajority: true));
        Assert.Empty(ManagerQuorum.Advice(all, needsMajority: true));
        Assert.Contains("2 managers survive the loss of 0, as 1 would", Assert.Single(ManagerQuorum.Advice([.. all.Take(2)], needsMajority: true)), StringComparison.Ordinal);
        Assert.Contains("one manager", Assert.Single(ManagerQuorum.Advice([.. all.Take(1)], needsMajority: false)), StringComparison.Ordinal);
        Assert.Equal("'berth5' does not answer: 1 more may be lost before nothing can be changed", Assert.Single(ManagerQuorum.Advice([.. all.Take(4), all[4] with { IsAlive = false }], needsMajority: true)));
    }
}
