using Berth.Manager.Networks;
using Berth.Manager.Store;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>Tells agents of networks: everything once the manager knows enough, then what changed. Part of <see cref="DispatchActor"/>.</summary>
internal static class NetworkTelling
{
    private const string CanHaveNetworks = "the cluster can have networks from now on, and its agent says anew what it can do";

    /// <summary>A session began, on this state.</summary>
    public static void Begin(AgentSession session, ClusterState state)
    {
        if (Understands(session, state) && NetworkSets.IsSettled(state))
            SendAll(session, state);
    }

    /// <summary>The state changed.</summary>
    /// <param name="before">The state that sessions were told of.</param>
    /// <param name="after">The newest.</param>
    /// <param name="touched">What may have changed.</param>
    /// <param name="sessions">Sessions that began.</param>
    public static void Changed(ClusterState before, ClusterState after, Touched touched, IReadOnlyCollection<AgentSession> sessions)
    {
        if (before.Index > 0 && before.Level < ReleaseLevel.Networks && after.Level >= ReleaseLevel.Networks)
        {
            foreach (var session in sessions.Where(session => session.Registration.Level >= ReleaseLevel.Networks))
                session.Close(CanHaveNetworks);
            return;
        }
        if (sessions.Count == 0 || !NetworkSets.IsSettled(after))
            return;
        if (touched.All || !NetworkSets.IsSettled(before))
        {
            foreach (var session in sessions.Where(session => Understands(session, after)))
                SendAll(session, after);
            return;
        }
        var changes = new NetworkChanges(before, after, touched);
        if (changes.IsEmpty)
            return;
        foreach (var session in sessions.Where(session => Understands(session, after)))
        {
            if (session.NetworkSequence == 0)
                SendAll(session, after);
            else if (changes.For(session.Node, session.NetworkSequence + 1) is { } set)
                Send(session, set);
        }
    }

    private static bool Understands(AgentSession session, ClusterState state) =>
        session.Registration.Level >= ReleaseLevel.Networks && state.Level >= ReleaseLevel.Networks;

    private static void SendAll(AgentSession session, ClusterState state) =>
        Send(session, NetworkSets.For(state, session.Node).ToWire(session.NetworkSequence + 1));

    private static void Send(AgentSession session, V1.NetworkSet set)
    {
        session.NetworkSequence = set.Sequence;
        session.Send(new V1.ManagerMessage { Networks = set });
    }
}
