using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>At the leader: which nodes have their session at which standby, and when they were heard of there.</summary>
internal sealed class RemoteSessions(Heartbeats heartbeats, IRequiredActor<NodesActor> nodes, IClusterView view)
{
    private const string Gone = "its session ended while its manager was out of reach";

    /// <summary>The standby heard these.</summary>
    public void Heard(NodeId standby, V1.Heard heard)
    {
        var all = PeerMapper.Unpack(heard.Nodes).ToList();
        foreach (var node in all)
        {
            if (heartbeats.Of(node).Beat(standby))
                nodes.ActorRef.Tell(new NodesProtocol.HeardAgain(node));
        }
        if (!heard.All)
            return;
        foreach (var (node, heart) in heartbeats.Open(standby).ExceptBy(all, open => open.Node))
        {
            heart.End(Gone, standby);
            nodes.ActorRef.Tell(new NodesProtocol.SessionChanged(node));
        }
    }

    /// <summary>A session there opened or ended.</summary>
    public void Changed(NodeId standby, V1.SessionChange change)
    {
        var node = PeerMapper.NodeOf(change.Node);
        if (change.Open)
            heartbeats.Of(node).Open(standby);
        else
            heartbeats.Of(node).End(change.Reason, standby, change.Restarts);
        nodes.ActorRef.Tell(new NodesProtocol.SessionChanged(node));
    }

    /// <summary>The link broke. Its nodes' agents have as long to be heard of again, there or elsewhere, as any silent one, and
    /// as long before that as they may need to be taken in.</summary>
    public void End(NodeId standby)
    {
        var rejoin = RejoinPace.Grace(view.Current.Nodes.Count);
        foreach (var (_, heart) in heartbeats.Open(standby))
            heart.Excuse(rejoin);
    }
}
