using System.Collections.Immutable;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>The part of <see cref="ClusterStateBuilder"/> that knows of networks and of who is in them.</summary>
internal sealed class NetworksBuilder(ClusterState state)
{
    public ImmutableDictionary<NetworkId, Network>.Builder All { get; } = state.Networks.ToBuilder();
    public ImmutableDictionary<string, NetworkId>.Builder Names { get; } = state.NetworkNames.ToBuilder();
    public ImmutableDictionary<NetworkId, ImmutableHashSet<ServiceId>>.Builder Services { get; } = state.ServicesByNetwork.ToBuilder();
    public ImmutableHashSet<ServiceId>.Builder Published { get; } = state.Published.ToBuilder();

    public void Put(Network network)
    {
        All[network.Id] = network;
        Names[network.Spec.Name] = network.Id;
    }

    public void Remove(NetworkId id)
    {
        if (!All.Remove(id, out var network))
            return;
        Names.Remove(network.Spec.Name);
    }

    /// <summary>A service changed; null where it is new, or gone.</summary>
    public void Index(Service? before, Service? after)
    {
        var id = (after ?? before)!.Id;
        var (was, now) = (NetworksOf(before), NetworksOf(after));
        foreach (var network in was.Except(now))
            Put(network, Services.GetValueOrDefault(network, []).Remove(id));
        foreach (var network in now.Except(was))
            Put(network, Services.GetValueOrDefault(network, []).Add(id));
        if (after is null || after.Endpoint.Ports.IsEmpty)
            Published.Remove(id);
        else
            Published.Add(id);
    }

    private void Put(NetworkId network, ImmutableHashSet<ServiceId> services)
    {
        if (services.IsEmpty)
            Services.Remove(network);
        else
            Services[network] = services;
    }

    private static ImmutableHashSet<NetworkId> NetworksOf(Service? service) => service is null
        ? []
        : [.. service.Spec.Task.NetworkIds(), .. service.Endpoint.VirtualAddresses.Select(vip => vip.Network)];
}
