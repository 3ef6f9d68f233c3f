using System.Net;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>Finds what no object holds: docs/decisions/0024-addresses-are-held-by-objects.md. Pure, and the same on every manager.</summary>
public static class FreeAddresses
{
    /// <summary>Ports that the cluster chooses from.</summary>
    public const int FirstPort = 30_000;

    /// <summary>The last of them.</summary>
    public const int LastPort = 32_767;

    /// <summary>The lowest free block of the pool that no host has a route into; null when there is none.</summary>
    public static IPNetwork? Subnet(ClusterState state)
    {
        var (pool, prefix) = (state.Settings.NetworkPool, state.Settings.NetworkSize);
        var taken = state.Networks.Values.Select(network => network.Subnet).Append(AddressPlan.Nodes(pool))
            .Concat(Routes(state).Select(route => route.Route))
            .Where(network => AddressPlan.Overlap(network, pool))
            .OrderBy(AddressPlan.First).ToList();
        long place = 0;
        foreach (var other in taken)
        {
            var size = 1L << (32 - prefix);
            var free = AddressPlan.First(pool) + place * size;
            if (AddressPlan.First(other) >= free + size)
                break;
            place = Math.Max(place, (AddressPlan.Last(other) - (long)AddressPlan.First(pool)) / size + 1);
        }
        return place < AddressPlan.Blocks(pool, prefix) ? AddressPlan.Block(pool, prefix, place) : null;
    }

    /// <summary>Routes of hosts into the pool that are not the cluster's, by host.</summary>
    /// <remarks>A route that holds the whole pool says nothing of it: a more exact one beats it.</remarks>
    public static IEnumerable<(Node Node, IPNetwork Route)> Routes(ClusterState state) =>
        from node in state.Nodes.Values
        from route in node.Description.Networking.Routes
        where route.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && route.PrefixLength > 0 && !AddressPlan.Contains(route, state.Settings.NetworkPool)
        select (node, route);

    /// <summary>A service's address in a network; null when all are given. Where the search begins its id says, so that a new service
    /// seldom gets what another had a moment ago.</summary>
    public static IPAddress? Vip(ClusterState state, Network network, ServiceId service)
    {
        var vips = AddressPlan.Vips(network.Subnet);
        var count = AddressPlan.Count(vips) - 2;
        var taken = state.ServicesIn(network.Id).Where(other => other.Id != service)
            .SelectMany(other => other.Endpoint.VirtualAddresses).Where(vip => vip.Network == network.Id).Select(vip => vip.Address).ToHashSet();
        var begin = (long)(service.Value % (UInt128)count);
        for (var step = 0L; step < count; step++)
        {
            var address = AddressPlan.Address((uint)(AddressPlan.First(vips) + 1 + (begin + step) % count));
            if (!taken.Contains(address))
                return address;
        }
        return null;
    }

    /// <summary>Who holds a port of all nodes, or of his tasks' nodes; null when it is free.</summary>
    public static string? HolderOf(ClusterState state, ServiceId asker, int port, PortProtocol protocol)
    {
        if (PublisherOf(state, asker, port, protocol) is { } publisher)
            return publisher;
        foreach (var service in state.Services.Values)
        {
            if (service.Id != asker && service.Spec.Task.Ports.Any(other => other.Published == port && other.Protocol == protocol))
                return $"service '{service.Spec.Name}' publishes it on its tasks' nodes (mode=host)";
        }
        return null;
    }

    /// <summary>Who publishes a port on every node; null when nobody does.</summary>
    public static string? PublisherOf(ClusterState state, ServiceId asker, int port, PortProtocol protocol)
    {
        foreach (var id in state.Published)
        {
            if (id != asker && state.Services[id].Endpoint.Ports.Any(other => other.Published == port && other.Protocol == protocol))
                return $"service '{state.Services[id].Spec.Name}' publishes it on every node";
        }
        return null;
    }

    /// <summary>The lowest free port of the automatic ones; null when all are given.</summary>
    /// <param name="state">Who holds which.</param>
    /// <param name="asker">Whose own do not count.</param>
    /// <param name="protocol">Its protocol.</param>
    /// <param name="own">Ports that the asker was given just now.</param>
    public static int? Port(ClusterState state, ServiceId asker, PortProtocol protocol, IEnumerable<PublishedPort> own)
    {
        var taken = state.Published.Where(id => id != asker).SelectMany(id => state.Services[id].Endpoint.Ports).Concat(own)
            .Where(port => port.Protocol == protocol).Select(port => port.Published).ToHashSet();
        taken.UnionWith(state.Services.Values.SelectMany(service => service.Spec.Task.Ports).Where(port => port.Protocol == protocol).Select(port => port.Published));
        for (var port = FirstPort; port <= LastPort; port++)
        {
            if (!taken.Contains(port))
                return port;
        }
        return null;
    }
}
