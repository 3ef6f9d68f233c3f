using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Members;

/// <summary>A member of etcd as the others and a probe of it say it is.</summary>
/// <param name="Id">etcd's own number of it.</param>
/// <param name="Node">Whose member it is; null when it has never started, which is how etcd learns its name.</param>
/// <param name="PeerUrl">Where other members reach it.</param>
/// <param name="IsLearner">Whether it only listens as yet: it gets everything, and its voice does not count.</param>
/// <param name="IsAlive">Whether it answered and knows a leader.</param>
public sealed record MemberView(ulong Id, NodeId? Node, string PeerUrl, bool IsLearner, bool IsAlive);

/// <summary>A manager whose host is to have a member.</summary>
/// <param name="Node">Its node id.</param>
/// <param name="PeerUrl">Where its member is reached.</param>
/// <param name="IsReady">Whether its host has what a member needs: before that none is added, as it would not start.</param>
public sealed record WantedMember(NodeId Node, string PeerUrl, bool IsReady);

/// <summary>One change of etcd's membership. Closed.</summary>
public abstract record MemberStep
{
    private MemberStep() { }

    /// <summary>It listens to the others from now on.</summary>
    public sealed record Add(WantedMember Member) : MemberStep;

    /// <summary>Its voice counts from now on; etcd refuses this until it has caught up.</summary>
    public sealed record Promote(ulong Id) : MemberStep;

    /// <summary>It is reached at another address.</summary>
    public sealed record Update(ulong Id, string PeerUrl) : MemberStep;

    /// <summary>It is no member any more.</summary>
    public sealed record Remove(ulong Id) : MemberStep;
}

/// <summary>Decides the next change of etcd's membership: one at a time, and none that would cost the majority.</summary>
public static class MembersDecider
{
    /// <summary>The next step towards a member on every manager's host; null when nothing is to be done, or nothing can be now.</summary>
    /// <param name="wanted">Managers.</param>
    /// <param name="members">What there is.</param>
    /// <remarks>Who leaves goes first, so that a number never grows and shrinks at once; a new member listens before it counts;
    /// there is one listener at a time, which is etcd's own rule.</remarks>
    public static MemberStep? Next(ImmutableArray<WantedMember> wanted, ImmutableArray<MemberView> members)
    {
        foreach (var member in members)
        {
            if (Of(wanted, member) is null && MayRemove(members, member))
                return new MemberStep.Remove(member.Id);
        }
        foreach (var member in members)
        {
            if (Of(wanted, member) is { } owner && owner.PeerUrl != member.PeerUrl && HasMajority(members))
                return new MemberStep.Update(member.Id, owner.PeerUrl);
        }
        if (members.FirstOrDefault(member => member.IsLearner) is { } learner)
            return learner.IsAlive && HasMajority(members) ? new MemberStep.Promote(learner.Id) : null;
        var missing = wanted.FirstOrDefault(one => one.IsReady && !members.Any(member => Of(wanted, member) == one));
        return missing is not null && HasMajority(members) ? new MemberStep.Add(missing) : null;
    }

    /// <summary>Whether a majority of those whose voice counts is alive: without one nothing is written or changed.</summary>
    public static bool HasMajority(ImmutableArray<MemberView> members)
    {
        var voters = members.Count(member => !member.IsLearner);
        return members.Count(member => !member.IsLearner && member.IsAlive) >= Majority(voters);
    }

    /// <summary>Whether there is a majority now, and still would be one without <paramref name="leaving"/>.</summary>
    public static bool MayRemove(ImmutableArray<MemberView> members, MemberView leaving)
    {
        if (!HasMajority(members))
            return false;
        if (leaving.IsLearner)
            return true;
        var left = members.Where(member => !member.IsLearner && member.Id != leaving.Id).ToList();
        return left.Count > 0 && left.Count(member => member.IsAlive) >= Majority(left.Count);
    }

    /// <summary>More than half.</summary>
    public static int Majority(int voters) => voters / 2 + 1;

    // A member that never started has no name yet; its address says whose it is.
    private static WantedMember? Of(ImmutableArray<WantedMember> wanted, MemberView member) => member.Node is { } node
        ? wanted.FirstOrDefault(one => one.Node == node)
        : wanted.FirstOrDefault(one => one.PeerUrl == member.PeerUrl);
}
