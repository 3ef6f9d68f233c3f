using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Gossip;

/// <summary>A member of the managers' Akka cluster, as this one sees it.</summary>
/// <param name="Node">Its node id; null when it does not say.</param>
/// <param name="Address">Host and port it is reached at.</param>
/// <param name="UnreachableFor">How long it has been unreachable; zero for one that is not.</param>
public sealed record SeenMember(NodeId? Node, string Address, TimeSpan UnreachableFor);

/// <summary>A manager, as the state and greetings know it.</summary>
/// <param name="Node">Its node id.</param>
/// <param name="Address">Host and port of its membership.</param>
/// <param name="AnsweringFor">How long it has been answering greetings; zero for one that does not.</param>
public sealed record KnownManager(NodeId Node, string Address, TimeSpan AnsweringFor);

/// <summary>This manager's own membership.</summary>
/// <param name="Address">Where it is reached.</param>
/// <param name="RunsFor">For how long it has been running.</param>
/// <param name="IsOver">It was removed, or its certificate is an earlier one.</param>
/// <param name="Members">Everybody in it, this manager included.</param>
public sealed record OwnMembership(string Address, TimeSpan RunsFor, bool IsOver, ImmutableArray<SeenMember> Members);

/// <summary>What to do about the membership. Closed.</summary>
public abstract record MembershipStep
{
    private MembershipStep() { }

    /// <summary>Join, asking these in this order; who is first of all may begin a cluster of its own.</summary>
    public sealed record Start(ImmutableArray<string> Seeds) : MembershipStep;

    /// <summary>Leave, and join again at the next look if there is anybody.</summary>
    public sealed record Stop(string Reason) : MembershipStep;

    /// <summary>Forget members that are gone.</summary>
    public sealed record Forget(ImmutableArray<string> Addresses) : MembershipStep;
}

/// <summary>Says when a manager is a member, of what, and whom it forgets.</summary>
/// <remarks>Nothing here decides who leads or what runs: a membership that is wrong for a while costs hints, and is made right by
/// leaving and joining again. Two that grew apart become one around the manager with the lowest id.</remarks>
public static class MembershipDecider
{
    /// <summary>A member that was unreachable for so long is forgotten; it joins again when it is back.</summary>
    public static readonly TimeSpan ForgetAfter = TimeSpan.FromSeconds(60);

    /// <summary>A manager that answers for so long and is in another membership is joined.</summary>
    public static readonly TimeSpan ApartAfter = TimeSpan.FromSeconds(30);

    /// <summary>Decides the next step; null when all is well.</summary>
    /// <param name="managers">Every manager, this one included.</param>
    /// <param name="me">This manager.</param>
    /// <param name="own">Its membership; null when it has none.</param>
    public static MembershipStep? Next(IReadOnlyCollection<KnownManager> managers, NodeId me, OwnMembership? own)
    {
        var mine = managers.FirstOrDefault(manager => manager.Node == me);
        if (mine is null || managers.Count < 2)
            return own is null ? null : new MembershipStep.Stop("this manager is alone");
        if (own is null)
            return new MembershipStep.Start([.. managers.OrderBy(manager => manager.Node.Value).Select(manager => manager.Address)]);
        if (own.IsOver)
            return new MembershipStep.Stop("it joins anew");
        if (own.Address != mine.Address)
            return new MembershipStep.Stop($"this manager moved from {own.Address} to {mine.Address}");
        if (IsApart(managers, me, own))
            return new MembershipStep.Stop("the managers have another membership, which it joins");
        var gone = own.Members.Where(member => member.Address != own.Address && IsGone(member, managers)).Select(member => member.Address).Order().ToImmutableArray();
        return gone.IsEmpty ? null : new MembershipStep.Forget(gone);
    }

    // Unreachable first: one whose address changed is unreachable at the old one.
    private static bool IsGone(SeenMember member, IReadOnlyCollection<KnownManager> managers) =>
        member.UnreachableFor >= ForgetAfter
        || (member.UnreachableFor > TimeSpan.Zero && !managers.Any(manager => manager.Node == member.Node && manager.Address == member.Address));

    private static bool IsApart(IReadOnlyCollection<KnownManager> managers, NodeId me, OwnMembership own)
    {
        var first = managers.Where(manager => manager.Node == me || manager.AnsweringFor >= ApartAfter).MinBy(manager => manager.Node.Value)!;
        return first.Node != me && own.RunsFor >= ApartAfter && own.Members.All(member => member.Node != first.Node);
    }
}
