using System.Net.Sockets;
using Berth.Model.Networks;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Which pool the cluster's networks may come from.</summary>
internal static class PoolRules
{
    private const int Largest = 8;
    private const int Smallest = 20;

    /// <summary>Why these settings cannot be; nothing when pool and size stay.</summary>
    public static IEnumerable<string> Problems(ClusterState state, ClusterSettings settings)
    {
        var (pool, size) = (settings.NetworkPool, settings.NetworkSize);
        if (pool == state.Settings.NetworkPool && size == state.Settings.NetworkSize)
            yield break;
        if (state.Level < ReleaseLevel.Networks)
        {
            yield return NetworkResolution.LevelProblem(state);
            yield break;
        }
        if (pool.BaseAddress.AddressFamily != AddressFamily.InterNetwork || pool.PrefixLength is < Largest or > Smallest)
        {
            yield return $"network-pool: {pool} is not an IPv4 network from /{Largest} to /{Smallest}";
            yield break;
        }
        if (size < Math.Max(pool.PrefixLength + 4, AddressPlan.LargestNetwork) || size > AddressPlan.SmallestNetwork)
            yield return $"network-size: /{size} is not from /{Math.Max(pool.PrefixLength + 4, AddressPlan.LargestNetwork)} to /{AddressPlan.SmallestNetwork}, so that the pool {pool} holds a few networks and each can be divided";
        foreach (var network in state.Networks.Values.OrderBy(network => network.Spec.Name, StringComparer.Ordinal))
        {
            if (!AddressPlan.Contains(pool, network.Subnet) || AddressPlan.Overlap(AddressPlan.Nodes(pool), network.Subnet))
                yield return $"network-pool: network '{network.Spec.Name}' ({network.Subnet}) would not be in {pool} behind {AddressPlan.Nodes(pool)}, which the nodes have; remove it first, or choose a pool that holds it";
        }
        var highest = state.Nodes.Values.Select(node => node.Number).DefaultIfEmpty().Max();
        if (highest > AddressPlan.MostNodes(pool))
            yield return $"network-pool: {pool} has addresses for {AddressPlan.MostNodes(pool)} nodes and the highest number of a node is {highest}; choose a larger one";
        foreach (var node in state.Nodes.Values.OrderBy(node => node.Description.Hostname, StringComparer.Ordinal))
        {
            foreach (var route in node.Description.Networking.Routes)
            {
                if (route.BaseAddress.AddressFamily == AddressFamily.InterNetwork && AddressPlan.Contains(pool, route))
                    yield return $"network-pool: host '{node.Description.Hostname}' already has a route to {route}, which is in {pool}; choose another pool";
            }
        }
    }
}
