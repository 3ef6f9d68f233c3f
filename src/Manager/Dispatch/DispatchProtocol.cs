using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Dispatch;

/// <summary>What <see cref="DispatchActor"/> is told by the calls that hold sessions.</summary>
public static class DispatchProtocol
{
    /// <summary>A session asks to be its node's only one. Answered with an <see cref="Admission"/>.</summary>
    public sealed record Claim(AgentSession Session);

    /// <summary>The node is a member since commit <paramref name="Index"/>: begin telling it what to run.</summary>
    public sealed record Begin(AgentSession Session, long Index);

    /// <summary>Every manager there is now, and where it answers; agents are told.</summary>
    public sealed record ManagersAre(ImmutableArray<(NodeId Node, string Url)> Managers);

    /// <summary>The session's call has ended; also told of sessions that were never admitted.</summary>
    /// <param name="Session">Which.</param>
    /// <param name="Reason">Why, for people; no full stop.</param>
    public sealed record Ended(AgentSession Session, string Reason);
}
