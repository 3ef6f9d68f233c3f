using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using V1 = Berth.Protocol.V1;

namespace Berth.Protocol;

/// <summary>The only mapping between what a node knows of networks and the messages it is told in.</summary>
/// <remarks>A set that is not full names the entities that changed, whole, and the ids of those that are gone; the node itself and
/// the pool are in every set. Reading throws <see cref="FormatException"/> for what no valid writer sends.</remarks>
public static class NetworkSetMapper
{
    /// <summary>Writes all of it.</summary>
    /// <param name="networks">What the node is to know.</param>
    /// <param name="sequence">Number of the message in its session.</param>
    public static V1.NetworkSet ToWire(this NodeNetworks networks, long sequence)
    {
        var set = Header(networks, sequence);
        set.Full = true;
        set.Peers.AddRange(networks.Peers.Values.OrderBy(peer => peer.Number).Select(ToWire));
        set.Networks.AddRange(networks.Networks.Values.OrderBy(network => network.Id).Select(ToWire));
        set.Services.AddRange(networks.Services.Values.OrderBy(service => service.Id).Select(ToWire));
        return set;
    }

    /// <summary>Writes what is different in <paramref name="after"/>; null when only the index is.</summary>
    /// <param name="before">What the node was told.</param>
    /// <param name="after">What it is to know now.</param>
    /// <param name="sequence">Number of the message in its session.</param>
    public static V1.NetworkSet? ToWire(NodeNetworks before, NodeNetworks after, long sequence)
    {
        if (before with { Index = after.Index, Peers = after.Peers, Networks = after.Networks, Services = after.Services } == after
            && Same(before.Peers, after.Peers) && Same(before.Networks, after.Networks) && Same(before.Services, after.Services))
        {
            return null;
        }
        var set = Header(after, sequence);
        Add(before.Peers, after.Peers, ToWire, set.Peers, set.RemovedPeers);
        Add(before.Networks, after.Networks, ToWire, set.Networks, set.RemovedNetworks);
        Add(before.Services, after.Services, ToWire, set.Services, set.RemovedServices);
        return set;
    }

    /// <summary>What a node knows after a message.</summary>
    /// <param name="before">What it knew; of no account when the set is full.</param>
    /// <param name="set">The message.</param>
    public static NodeNetworks Apply(this NodeNetworks before, V1.NetworkSet set)
    {
        var kept = set.Full ? NodeNetworks.Empty : before;
        return new NodeNetworks
        {
            Index = set.Index,
            Self = set.Self?.ToModel(),
            Pool = set.Pool.Length == 0 ? default : NetworkMapper.ReadPrefix(set.Pool),
            Peers = kept.Peers.RemoveRange(set.RemovedPeers.Select(NodeId.Parse)).SetItems(set.Peers.Select(ToModel).Select(peer => KeyValuePair.Create(peer.NodeId, peer))),
            Networks = kept.Networks.RemoveRange(set.RemovedNetworks.Select(NetworkId.Parse))
                .SetItems(set.Networks.Select(ToModel).Select(network => KeyValuePair.Create(network.Id, network))),
            Services = kept.Services.RemoveRange(set.RemovedServices.Select(ServiceId.Parse))
                .SetItems(set.Services.Select(ToModel).Select(service => KeyValuePair.Create(service.Id, service))),
        };
    }

    /// <summary>A message with what is in every one.</summary>
    public static V1.NetworkSet Header(NodeNetworks networks, long sequence) => new()
    {
        Sequence = sequence,
        Index = networks.Index,
        Self = networks.Self?.ToWire(),
        Pool = networks.Pool == default ? "" : networks.Pool.ToString(),
    };

    /// <summary>Writes a peer.</summary>
    public static V1.NetworkPeer ToWire(this NetworkPeer peer) =>
        new() { NodeId = peer.NodeId.ToString(), Number = peer.Number, Underlay = peer.Underlay.ToString(), Hostname = peer.Hostname };

    /// <summary>Reads a peer.</summary>
    public static NetworkPeer ToModel(this V1.NetworkPeer wire) =>
        new(NodeId.Parse(wire.NodeId), wire.Number, NetworkMapper.ReadAddress(wire.Underlay), wire.Hostname);

    /// <summary>Writes a network as a node sees it.</summary>
    public static V1.NodeNetwork ToWire(this NodeNetwork network) => new()
    {
        NetworkId = network.Id.ToString(),
        Name = network.Name,
        Subnet = network.Subnet.ToString(),
        Vips = network.Vips.ToString(),
        Slices = { network.Slices.Select(slice => slice.ToString()) },
        Remote = { network.Remote.Select(slice => new V1.RemoteSlice { Prefix = slice.Prefix.ToString(), Node = slice.Node }) },
        Mtu = network.Mtu,
        Internal = network.IsInternal,
        Attachable = network.IsAttachable,
    };

    /// <summary>Reads a network as a node sees it.</summary>
    public static NodeNetwork ToModel(this V1.NodeNetwork wire) => new()
    {
        Id = NetworkId.Parse(wire.NetworkId),
        Name = wire.Name,
        Subnet = NetworkMapper.ReadPrefix(wire.Subnet),
        Vips = NetworkMapper.ReadPrefix(wire.Vips),
        Slices = wire.Slices.Select(NetworkMapper.ReadPrefix).ToValueList(),
        Remote = wire.Remote.Select(slice => new RemoteSlice(NetworkMapper.ReadPrefix(slice.Prefix), slice.Node)).ToValueList(),
        Mtu = wire.Mtu,
        IsInternal = wire.Internal,
        IsAttachable = wire.Attachable,
    };

    /// <summary>Writes how a service is reached.</summary>
    public static V1.ServiceEndpoints ToWire(this ServiceEndpoints service) => new()
    {
        ServiceId = service.Id.ToString(),
        Name = service.Name,
        Stack = service.Stack ?? "",
        Dnsrr = service.IsDnsRoundRobin,
        Affinity = service.HasAffinity,
        Networks =
        {
            service.Networks.Select(network => new V1.ServiceNetwork
            {
                NetworkId = network.Network.ToString(), Vip = network.Vip?.ToString() ?? "", Aliases = { network.Aliases },
            }),
        },
        Published = { service.Published.Select(NetworkMapper.ToWire) },
        Backends =
        {
            service.Backends.Select(backend => new V1.Backend
            {
                TaskId = backend.TaskId.ToString(), Slot = backend.Slot, Node = backend.Node, Draining = backend.IsDraining, Weight = backend.Weight,
                Addresses = { backend.Addresses.Select(NetworkMapper.ToWire) },
            }),
        },
    };

    /// <summary>Reads how a service is reached.</summary>
    public static ServiceEndpoints ToModel(this V1.ServiceEndpoints wire) => new()
    {
        Id = ServiceId.Parse(wire.ServiceId),
        Name = wire.Name,
        Stack = wire.Stack.Length == 0 ? null : wire.Stack,
        IsDnsRoundRobin = wire.Dnsrr,
        HasAffinity = wire.Affinity,
        Networks = wire.Networks
            .Select(network => new ServiceNetwork(
                NetworkId.Parse(network.NetworkId), network.Vip.Length == 0 ? null : NetworkMapper.ReadAddress(network.Vip), network.Aliases.ToValueList()))
            .ToValueList(),
        Published = wire.Published.Select(NetworkMapper.ToModel).ToValueList(),
        Backends = wire.Backends
            .Select(backend => new Backend(
                TaskId.Parse(backend.TaskId), backend.Slot, backend.Node, backend.Draining, backend.Addresses.Select(NetworkMapper.ToModel).ToValueList())
            {
                Weight = Math.Max(1, backend.Weight),
            })
            .ToValueList(),
    };

    private static void Add<TId, T, TWire>(
        ImmutableDictionary<TId, T> before, ImmutableDictionary<TId, T> after, Func<T, TWire> write, ICollection<TWire> put, Google.Protobuf.Collections.RepeatedField<string> removed)
        where TId : struct, IComparable<TId>
        where T : class
    {
        foreach (var (id, item) in after.OrderBy(pair => pair.Key))
        {
            if (!before.TryGetValue(id, out var known) || !known.Equals(item))
                put.Add(write(item));
        }
        foreach (var id in before.Keys.Where(id => !after.ContainsKey(id)).Order())
            removed.Add(id.ToString()!);
    }

    private static bool Same<TId, T>(ImmutableDictionary<TId, T> left, ImmutableDictionary<TId, T> right)
        where TId : struct
        where T : class =>
        ReferenceEquals(left, right)
        || (left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out var other) && pair.Value.Equals(other)));
}
