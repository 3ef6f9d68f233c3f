using System.Collections.Immutable;
using Berth.Manager.Members;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Members;

/// <summary>Members of etcd follow the managers, one change at a time, and never at the cost of the majority.</summary>
public sealed class MembersDeciderTests
{
    private static readonly Gen<MemberView> Member = Gen.Select(Gen.Int[1, 7], Gen.Bool, Gen.Int[0, 5], Gen.Int[0, 3], (number, isAlive, learner, address) =>
        new MemberView((ulong)number, new NodeId((UInt128)number), Url(number, address == 0 ? 1 : 0), learner == 0, isAlive));

    private static readonly Gen<ImmutableArray<MemberView>> Members = Member.List[1, 7].Select(list =>
        list.DistinctBy(member => member.Id).Select((member, place) => place == 0 ? member with { IsLearner = false } : member).ToImmutableArray());

    private static readonly Gen<ImmutableArray<WantedMember>> Managers = Gen.Select(Gen.Int[1, 7], Gen.Bool, (number, isReady) =>
        new WantedMember(new NodeId((UInt128)number), Url(number, 0), isReady)).List[1, 7].Select(list => list.DistinctBy(one => one.Node).ToImmutableArray());

    [Fact]
    public void While_all_are_alive_every_ready_manager_comes_to_be_a_voter_and_nobody_else() => Gen.Select(Managers, Members).Sample((wanted, members) =>
    {
        members = [.. members.Select(member => member with { IsAlive = true })];
        for (var steps = 0; MembersDecider.Next(wanted, members) is { } step; steps++)
        {
            Assert.True(steps < 60, $"does not end: {step}");
            members = Take(members, step);
        }
        var present = members.Select(member => member.Node!.Value).Order().ToList();
        var expected = wanted.Where(one => one.IsReady || present.Contains(one.Node)).Select(one => one.Node).Order().ToList();
        // The last voter stays, whoever it is: etcd without members is nothing.
        Assert.True(expected.SequenceEqual(present) || expected.All(present.Contains) && members.Any(member => !member.IsLearner));
        Assert.All(members.Where(member => expected.Contains(member.Node!.Value)), member => Assert.False(member.IsLearner));
    });

    [Fact]
    public void No_step_is_taken_without_a_majority_and_none_loses_it() => Gen.Select(Managers, Members).Sample((wanted, members) =>
    {
        if (MembersDecider.Next(wanted, members) is not { } step)
            return;
        Assert.True(MembersDecider.HasMajority(members), $"{step}");
        Assert.True(MembersDecider.HasMajority(Take(members, step)), $"{step}");
    });

    [Fact]
    public void There_is_never_more_than_one_new_listener() => Gen.Select(Managers, Members).Sample((wanted, members) =>
        Assert.True(MembersDecider.Next(wanted, members) is not MemberStep.Add || members.All(member => !member.IsLearner)));

    [Fact]
    public void Nobody_who_is_wanted_is_removed() => Gen.Select(Managers, Members).Sample((wanted, members) =>
        Assert.True(MembersDecider.Next(wanted, members) is not MemberStep.Remove removed
            || wanted.All(one => one.Node != members.Single(member => member.Id == removed.Id).Node)));

    [Fact]
    public void A_member_that_never_started_belongs_to_who_has_its_address()
    {
        var one = new WantedMember(new NodeId(1), Url(1, 0), IsReady: true);
        var unstarted = new MemberView(9, null, Url(2, 0), IsLearner: true, IsAlive: false);
        var first = new MemberView(1, new NodeId(1), Url(1, 0), IsLearner: false, IsAlive: true);

        Assert.Equal(new MemberStep.Remove(9), MembersDecider.Next([one], [first, unstarted]));
        Assert.Null(MembersDecider.Next([one, new WantedMember(new NodeId(2), Url(2, 0), IsReady: true)], [first, unstarted]));
    }

    private static ImmutableArray<MemberView> Take(ImmutableArray<MemberView> members, MemberStep step) => step switch
    {
        MemberStep.Add add => members.Add(new MemberView((ulong)add.Member.Node.Value, add.Member.Node, add.Member.PeerUrl, IsLearner: true, IsAlive: true)),
        MemberStep.Promote promote => [.. members.Select(member => member.Id == promote.Id ? member with { IsLearner = false } : member)],
        MemberStep.Update update => [.. members.Select(member => member.Id == update.Id ? member with { PeerUrl = update.PeerUrl } : member)],
        MemberStep.Remove remove => [.. members.Where(member => member.Id != remove.Id)],
        _ => throw new InvalidOperationException(),
    };

    private static string Url(int number, int other) => $"https://10.0.{other}.{number}:2402";
}
