using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>All nodes during one pass.</summary>
internal sealed class Rooms
{
    private readonly Dictionary<NodeId, NodeRoom> _byId;

    public Rooms(ClusterState state, ClusterUsage usage)
    {
        _byId = new(state.Nodes.Count);
        foreach (var (id, node) in state.Nodes)
            _byId.Add(id, new NodeRoom(node, usage.On(id), state));
    }

    public IEnumerable<NodeRoom> All => _byId.Values;

    public NodeRoom? Find(NodeId? id) => id is { } known && _byId.TryGetValue(known, out var room) ? room : null;

    /// <summary>The nodes a group may use, as its spread preferences order them. Nodes it may not use still count for
    /// the evenness of their branch, unless they are down.</summary>
    public Branch Spread(Needs needs)
    {
        var root = new Branch("", null);
        foreach (var room in _byId.Values)
        {
            var branch = root;
            foreach (var attribute in needs.Spread)
                branch = branch.Child(room.Node.Attribute(attribute));
            room.Branch = branch;
            if (room.Node.Status.State != NodeState.Down)
            {
                var tasks = room.OfService;
                for (var above = branch; above is not null; above = above.Parent)
                    above.Tasks += tasks;
            }
            if (room.MeetsConstraints)
                branch.Offer(room);
        }
        root.Sort();
        return root;
    }
}
