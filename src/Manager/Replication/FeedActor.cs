using Akka.Actor;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>At the leader: hands what the store publishes to every standby, in order, and knows where each begins.</summary>
public sealed class FeedActor : ReceiveActor
{
    private readonly CommitRing _ring = new();
    private readonly HashSet<StandbySession> _sessions = [];
    private ClusterState? _state;

    /// <summary>Made by <see cref="ReplicationSetup"/>.</summary>
    public FeedActor()
    {
        Receive<StoreProtocol.Published>(OnPublished);
        Receive<Join>(join => OnJoin(join.Session));
        Receive<Leave>(leave => _sessions.Remove(leave.Session));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        foreach (var session in _sessions)
            session.Close("the leader's feed stopped");
    }

    private void OnPublished(StoreProtocol.Published published)
    {
        var isFirst = _state is null;
        var steps = published.Steps.Select(PeerMapper.ToWire).ToList();
        if (isFirst)
            _ring.Begin(published.State.Index - steps.Count(step => step.Commit is not null));
        foreach (var step in steps.Where(step => step.Commit is not null))
            _ring.Add(step);
        CutOffWhoLeft(published.State);
        _state = published.State;
        if (isFirst)
        {
            foreach (var session in _sessions)
                Begin(session, published.State);
            return;
        }
        if (_sessions.Count == 0)
            return;
        foreach (var message in CatchUp.Batches(steps).Select(batch => new V1.FromLeader { Steps = batch }))
        {
            var bytes = message.CalculateSize();
            foreach (var session in _sessions)
                session.Send(message, bytes);
        }
    }

    // A link outlives the call's admission: whoever was demoted or removed since gets nothing more.
    private void CutOffWhoLeft(ClusterState state)
    {
        foreach (var session in _sessions)
        {
            if (IsManager(_state, session.Node) && !IsManager(state, session.Node))
                session.Close("its node is no manager of the cluster any more");
        }
    }

    private static bool IsManager(ClusterState? state, NodeId node) =>
        state is not null && state.Nodes.TryGetValue(node, out var known) && known.Spec.Role == NodeRole.Manager;

    private void OnJoin(StandbySession session)
    {
        _sessions.Add(session);
        if (_state is { } state)
            Begin(session, state);
    }

    // What a standby holds is a prefix of the log; one that holds more than was published here followed another leader, whose
    // last commits this one has not replayed: that cannot be, and a whole state sets it right.
    private void Begin(StandbySession session, ClusterState state)
    {
        var held = session.Hello;
        var isOurs = held.Cluster is { } cluster && state.ClusterId is { } id && JournalMapper.ToModel(cluster) == id.Value;
        session.Begin(new CatchUp(state, isOurs ? _ring.After(held.Index) : null));
    }

    internal sealed record Join(StandbySession Session);

    internal sealed record Leave(StandbySession Session);
}
