using System.Collections.Immutable;
using System.Net;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Networks;

/// <summary>What each node is to know of networks, made from the state alone. See docs/networks.md.</summary>
public static class NetworkSets
{
    /// <summary>Everything a node is to know.</summary>
    public static NodeNetworks For(ClusterState state, NodeId node)
    {
        var view = new NetworkView(state);
        var networks = view.NetworksOf(node);
        if (view.PeerOf(node) is null)
            return new NodeNetworks { Index = state.Index, Pool = state.Settings.NetworkPool };
        return new NodeNetworks
        {
            Index = state.Index,
            Pool = state.Settings.NetworkPool,
            Self = view.PeerOf(node),
            Peers = view.Peers.Remove(node),
            Networks = networks.ToImmutableDictionary(id => id, id => view.Of(id, node)),
            Services = networks.Where(id => view.IsMember(node, id)).SelectMany(state.ServicesIn).Select(service => service.Id).Concat(state.Published).Distinct()
                .Select(view.ServiceOf).OfType<ServiceEndpoints>().ToImmutableDictionary(service => service.Id),
        };
    }

    /// <summary>Whether enough is known to tell anybody: after a manager's start every node that holds tasks is to be heard of, or known to be silent.
    /// Until then agents go on with what they were told before.</summary>
    public static bool IsSettled(ClusterState state) =>
        state.Nodes.Values.All(node => node.Status.State != NodeState.Unknown || !state.TasksOn(node.Id).Any(task => task.IsLive && !task.Spec.Networks.IsEmpty));
}

/// <summary>One state as seen by those who make sets of it; what several nodes are told is made once.</summary>
public sealed class NetworkView(ClusterState state)
{
    private readonly Dictionary<ServiceId, ServiceEndpoints?> _services = [];
    private readonly Dictionary<NetworkId, ImmutableArray<RemoteSlice>> _slices = [];
    private ImmutableDictionary<NodeId, NetworkPeer>? _peers;
    private ImmutableHashSet<NetworkId>? _published;

    /// <summary>The state.</summary>
    public ClusterState State => state;

    /// <summary>Nodes with a number and an address.</summary>
    public ImmutableDictionary<NodeId, NetworkPeer> Peers =>
        _peers ??= state.Nodes.Keys.Select(PeerOf).OfType<NetworkPeer>().ToImmutableDictionary(peer => peer.NodeId);

    /// <summary>Networks of published ports: every node reaches their tasks.</summary>
    public ImmutableHashSet<NetworkId> Published => _published ??= [.. state.Published.SelectMany(id => state.Services[id].Spec.Task.NetworkIds()).Where(state.Networks.ContainsKey)];

    /// <summary>A node as others reach it; null while it has no number.</summary>
    public NetworkPeer? PeerOf(NodeId id) =>
        state.Nodes.TryGetValue(id, out var node) && node.Number > 0 && IPAddress.TryParse(node.Description.Address, out var underlay)
            ? new NetworkPeer(id, node.Number, underlay, node.Description.Hostname)
            : null;

    /// <summary>Whether the node has addresses of the network.</summary>
    public bool IsMember(NodeId node, NetworkId network) =>
        state.Nodes.TryGetValue(node, out var found) && found.Slices.Any(slice => slice.Network == network);

    /// <summary>Networks that the node is to know.</summary>
    public ImmutableHashSet<NetworkId> NetworksOf(NodeId node) => PeerOf(node) is null
        ? []
        : Published.Union(state.Nodes[node].Slices.Select(slice => slice.Network).Where(state.Networks.ContainsKey));

    /// <summary>A network as the node sees it.</summary>
    public NodeNetwork Of(NetworkId id, NodeId node)
    {
        var (network, own) = (state.Networks[id], state.Nodes[node]);
        return new NodeNetwork
        {
            Id = id,
            Name = network.Spec.Name,
            Subnet = network.Subnet,
            Vips = AddressPlan.Vips(network.Subnet),
            Slices = own.Slices.Where(slice => slice.Network == id).Select(slice => slice.Prefix).ToValueList(),
            Remote = SlicesOf(id).Where(slice => slice.Node != own.Number).ToValueList(),
            Mtu = EndpointRules.MtuOf(network.Spec),
            IsInternal = network.Spec.IsInternal,
            IsAttachable = network.Spec.IsAttachable,
        };
    }

    /// <summary>How a service is reached; null when it is gone, or is in no network.</summary>
    public ServiceEndpoints? ServiceOf(ServiceId id)
    {
        if (!_services.TryGetValue(id, out var made))
            _services[id] = made = Make(id);
        return made;
    }

    // Before all nodes' slices are looked through, for every network at once.
    private ImmutableArray<RemoteSlice> SlicesOf(NetworkId id)
    {
        if (_slices.Count == 0)
        {
            foreach (var group in state.Nodes.Values.Where(node => node.Number > 0)
                .SelectMany(node => node.Slices.Select(slice => (slice.Network, Slice: new RemoteSlice(slice.Prefix, node.Number))))
                .GroupBy(pair => pair.Network, pair => pair.Slice))
            {
                _slices[group.Key] = [.. group.OrderBy(slice => AddressPlan.First(slice.Prefix))];
            }
        }
        return _slices.GetValueOrDefault(id, []);
    }

    private ServiceEndpoints? Make(ServiceId id)
    {
        if (!state.Services.TryGetValue(id, out var service) || service.Spec.Task.Networks.IsEmpty)
            return null;
        return new ServiceEndpoints
        {
            Id = id,
            Name = service.Spec.Name,
            Stack = service.Stack,
            IsDnsRoundRobin = service.Spec.Endpoint.Mode == EndpointMode.Dnsrr,
            Networks = service.Spec.Task.Networks
                .Where(attachment => NetworkId.TryParse(attachment.Target, out var network) && state.Networks.ContainsKey(network))
                .Select(attachment => new ServiceNetwork(
                    NetworkId.Parse(attachment.Target),
                    service.Endpoint.VirtualAddresses.FirstOrDefault(vip => vip.Network == NetworkId.Parse(attachment.Target))?.Address, attachment.Aliases))
                .ToValueList(),
            Published = service.Endpoint.Ports,
            Backends = state.TasksOf(id).Select(BackendOf).OfType<Backend>().OrderBy(backend => backend.TaskId).ToValueList(),
        };
    }

    // A task that was told to stop and has not ended serves whom it serves already.
    private Backend? BackendOf(ServiceTask task)
    {
        if (task.State != TaskState.Running || task.Status.Addresses.IsEmpty || task.NodeId is not { } id
            || !state.Nodes.TryGetValue(id, out var node) || node.Number == 0 || node.Status.State == NodeState.Down)
        {
            return null;
        }
        return new Backend(task.Id, task.Slot, node.Number, task.DesiredState != TaskState.Running, task.Status.Addresses);
    }
}
