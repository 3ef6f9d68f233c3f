using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Networks;

/// <summary>What a change of the state means for what nodes know of networks; made once, then asked for each node.</summary>
/// <remarks>It looks at what was touched and at nothing else: with a thousand services, one task that comes to run costs one
/// service's backends, twice.</remarks>
public sealed class NetworkChanges
{
    private readonly NetworkView _before;
    private readonly NetworkView _after;
    private readonly ImmutableArray<ServiceId> _services;
    private readonly ImmutableHashSet<NetworkId> _networks;
    private readonly ImmutableArray<NodeId> _peers;

    /// <summary>Compares two states.</summary>
    /// <param name="before">What nodes were told from.</param>
    /// <param name="after">The newest.</param>
    /// <param name="touched">What may differ.</param>
    public NetworkChanges(ClusterState before, ClusterState after, Touched touched)
    {
        (_before, _after) = (new NetworkView(before), new NetworkView(after));
        var nodes = touched.Nodes.Where(id => Differs(before.Nodes.GetValueOrDefault(id), after.Nodes.GetValueOrDefault(id))).ToList();
        _peers = [.. nodes.Where(id => _before.PeerOf(id) != _after.PeerOf(id))];
        var networks = touched.Networks.Where(id => before.Networks.GetValueOrDefault(id) != after.Networks.GetValueOrDefault(id)).ToImmutableHashSet();
        foreach (var id in nodes)
        {
            var (was, now) = (Slices(before, id), Slices(after, id));
            networks = networks.Union(was.Except(now).Concat(now.Except(was)).Select(slice => slice.Network));
        }
        _networks = networks;
        // A node that is down, or back, changes the backends of every service that has tasks there.
        var services = touched.Services.Concat(nodes.SelectMany(id => before.TasksOn(id).Concat(after.TasksOn(id))).Select(task => task.ServiceId)).Distinct();
        _services = [.. services.Where(id => !Equals(_before.ServiceOf(id), _after.ServiceOf(id)))];
        PublishedDiffers = before.Published != after.Published
            || _services.Any(id => before.Published.Contains(id) || after.Published.Contains(id)) && !_before.Published.SetEquals(_after.Published);
        IsEmpty = _peers.IsEmpty && _networks.IsEmpty && _services.IsEmpty && !PublishedDiffers && before.Settings.NetworkPool == after.Settings.NetworkPool;
    }

    /// <summary>Whether no node has to hear anything.</summary>
    public bool IsEmpty { get; }

    private bool PublishedDiffers { get; }

    /// <summary>What to tell a node; null when nothing concerns it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="sequence">Number of the message in its session.</param>
    public V1.NetworkSet? For(NodeId node, long sequence)
    {
        var set = NetworkSetMapper.Header(
            new NodeNetworks { Index = _after.State.Index, Pool = _after.State.Settings.NetworkPool, Self = _after.PeerOf(node) }, sequence);
        // A node that has just got its number knows nobody yet.
        if (_before.PeerOf(node) is null && _after.PeerOf(node) is not null)
            return NetworkSets.For(_after.State, node).ToWire(sequence);
        AddPeers(set, node);
        var (was, now) = (_before.NetworksOf(node), _after.NetworksOf(node));
        set.RemovedNetworks.AddRange(was.Except(now).Order().Select(id => id.ToString()));
        set.Networks.AddRange(now.Where(id => !was.Contains(id) || _networks.Contains(id)).Order().Select(id => _after.Of(id, node).ToWire()));
        AddServices(set, node, was, now);
        return set.Peers.Count + set.RemovedPeers.Count + set.Networks.Count + set.RemovedNetworks.Count + set.Services.Count + set.RemovedServices.Count == 0
            && _before.PeerOf(node) == _after.PeerOf(node) && _before.State.Settings.NetworkPool == _after.State.Settings.NetworkPool
            ? null
            : set;
    }

    private void AddPeers(V1.NetworkSet set, NodeId node)
    {
        if (_after.PeerOf(node) is null)
            return;
        foreach (var id in _peers.Where(id => id != node))
        {
            if (_after.PeerOf(id) is { } peer)
                set.Peers.Add(peer.ToWire());
            else
                set.RemovedPeers.Add(id.ToString());
        }
    }

    private void AddServices(V1.NetworkSet set, NodeId node, ImmutableHashSet<NetworkId> was, ImmutableHashSet<NetworkId> now)
    {
        var looked = new HashSet<ServiceId>(_services);
        // Networks that came to the node, or left it, bring and take all their services.
        var (mine, mineNow) = (was.Where(id => _before.IsMember(node, id)).ToHashSet(), now.Where(id => _after.IsMember(node, id)).ToHashSet());
        foreach (var id in mine.Except(mineNow))
            looked.UnionWith(_before.State.ServicesIn(id).Select(service => service.Id));
        foreach (var id in mineNow.Except(mine))
            looked.UnionWith(_after.State.ServicesIn(id).Select(service => service.Id));
        if (_before.PeerOf(node) is null != (_after.PeerOf(node) is null) || _before.State.Published != _after.State.Published)
            looked.UnionWith(_before.State.Published.Union(_after.State.Published));
        foreach (var id in looked.Order())
        {
            var (knew, knows) = (Known(_before, id, mine, node), Known(_after, id, mineNow, node));
            if (knows is not null && !knows.Equals(knew))
                set.Services.Add(knows.ToWire());
            else if (knows is null && knew is not null)
                set.RemovedServices.Add(id.ToString());
        }
    }

    // The same rule as NetworkSets.For.
    private static ServiceEndpoints? Known(NetworkView view, ServiceId id, HashSet<NetworkId> mine, NodeId node) =>
        view.PeerOf(node) is not null && (view.State.Published.Contains(id) || (view.State.Services.TryGetValue(id, out var service) && IsIn(service, mine))) ? view.ServiceOf(id) : null;

    private static bool IsIn(Service service, HashSet<NetworkId> networks) =>
        service.Spec.Task.NetworkIds().Any(networks.Contains) || service.Endpoint.VirtualAddresses.Any(vip => networks.Contains(vip.Network));

    private static ValueList<NodeSlice> Slices(ClusterState state, NodeId node) => state.Nodes.TryGetValue(node, out var found) ? found.Slices : [];

    private static bool Differs(Node? before, Node? after) =>
        before?.Number != after?.Number || before?.Slices != after?.Slices || before?.Description.Address != after?.Description.Address
        || before?.Description.Hostname != after?.Description.Hostname || before?.Status.State == NodeState.Down != (after?.Status.State == NodeState.Down);
}
