using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>Why a node cannot take a task; the order is the one in which it is asked.</summary>
internal enum Rejection
{
    Unavailable,
    Resources,
    Constraints,
    Platform,
    Networks,
    Ports,
    MaxReplicas,
}

/// <summary>What every task of a group asks of a node.</summary>
internal sealed class Needs(TaskSpec spec)
{
    private ClusterState? _state;
    private Dictionary<NetworkId, bool> _networks = [];
    private readonly PortConfig[] _fixedPorts = [.. spec.Ports.Where(port => port.Published != 0)];

    public Resources Reservation { get; } = spec.Resources.Reservations;
    public ValueList<Constraint> Constraints { get; } = spec.Placement.Constraints;
    public ValueList<string> Spread { get; } = spec.Placement.Spread;
    public int MaxReplicasPerNode { get; } = spec.Placement.MaxReplicasPerNode;

    /// <summary>Why <paramref name="room"/> cannot take one more task; null when it can.</summary>
    /// <param name="room">The node, entered for this group.</param>
    /// <param name="predecessors">What tasks hold there that will be gone before the new one starts.</param>
    public Rejection? Reject(NodeRoom room, Relief predecessors)
    {
        if (!room.IsAvailable)
            return Rejection.Unavailable;
        if (!HasResources(room, predecessors))
            return Rejection.Resources;
        if (!room.MeetsConstraints)
            return Rejection.Constraints;
        if (!RunsLinux(room.Node))
            return Rejection.Platform;
        if (NetworkProblem(room.Node) is not null)
            return Rejection.Networks;
        if (TakenPort(room, predecessors) is not null)
            return Rejection.Ports;
        if (MaxReplicasPerNode > 0 && room.CountedOfService - predecessors.Live >= MaxReplicasPerNode)
            return Rejection.MaxReplicas;
        return null;
    }

    /// <summary>Looks at the networks it is to be in; before nodes are asked.</summary>
    public void Look(ClusterState state)
    {
        _state = state;
        _networks = [];
        foreach (var attachment in spec.Networks)
        {
            if (NetworkId.TryParse(attachment.Target, out var id) && attachment.Address is null)
                _networks[id] = state.Networks.TryGetValue(id, out var network) && Slicing.FreeBlocks(state, network) > 0;
        }
    }

    /// <summary>Why a node's tasks cannot be in these networks; null when they can.</summary>
    public string? NetworkProblem(Node node)
    {
        if (spec.Networks.IsEmpty)
            return null;
        if (!node.Description.Networking.IsAble)
            return node.Description.Networking.Problem is { Length: > 0 } problem ? problem : "its agent knows no networks of the cluster";
        if (node.Description.Address.Length == 0)
            return "its agent has no address at which other nodes reach it";
        foreach (var (id, hasBlocks) in _networks)
        {
            if (!hasBlocks && _state is not null && Slicing.RoomFor(_state, node, id) <= 0)
                return $"network '{_state.Networks.GetValueOrDefault(id)?.Spec.Name ?? id.ToString()}' has no addresses left for it";
        }
        return null;
    }

    /// <summary>The first fixed port that another task holds there.</summary>
    public PortConfig? TakenPort(NodeRoom room, Relief predecessors)
    {
        foreach (var port in _fixedPorts)
        {
            if (room.Usage.Holders(port) - room.Shared.Holders(port) - predecessors.Holders(port) > 0)
                return port;
        }
        return null;
    }

    /// <summary>Images are made for Linux until a spec can name another system.</summary>
    private static bool RunsLinux(Node node) =>
        node.Description.Os.Length == 0 || node.Description.Os.Equals("linux", StringComparison.OrdinalIgnoreCase);

    private bool HasResources(NodeRoom room, Relief predecessors)
    {
        if (Reservation == default)
            return true;
        var free = room.Free + predecessors.Resources;
        return Fits(Reservation.NanoCpus, free.NanoCpus) && Fits(Reservation.MemoryBytes, free.MemoryBytes);
    }

    // What is not asked for need not be there, not even on a node that is over its capacity.
    private static bool Fits(long asked, long free) => asked <= 0 || asked <= free;
}
