using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Network;

/// <summary>A network that a task is to be in.</summary>
/// <param name="Network">The network.</param>
/// <param name="Address">The address it is to have; null for any.</param>
public sealed record NetworkWish(NetworkId Network, IPAddress? Address = null);

/// <summary>Which addresses a task gets. Closed: the cases below are all there are.</summary>
public abstract record AddressAnswer
{
    private AddressAnswer() { }

    /// <summary>One for each wish, in their order.</summary>
    public sealed record Chosen(ValueList<TaskAddress> Addresses) : AddressAnswer;

    /// <summary>Not yet.</summary>
    /// <param name="Reason">What it waits for, for people.</param>
    public sealed record Waits(string Reason) : AddressAnswer;
}

/// <summary>Chooses addresses for a task out of what this node has. Pure.</summary>
/// <remarks>What was in use last is taken last: a peer that still has a stale name or connection does not reach a stranger.</remarks>
public static class AddressChoice
{
    /// <summary>An address in every wished network, or what is missing.</summary>
    /// <param name="networks">What this node knows of networks.</param>
    /// <param name="wishes">The networks that the task is to be in.</param>
    /// <param name="taken">Addresses that containers have, or may have.</param>
    /// <param name="released">When an address was last given back, as a number that grows; none for one that never was.</param>
    public static AddressAnswer Choose(
        NodeNetworks networks, IEnumerable<NetworkWish> wishes, IReadOnlySet<IPAddress> taken, ImmutableDictionary<IPAddress, long> released)
    {
        var chosen = ImmutableArray.CreateBuilder<TaskAddress>();
        foreach (var wish in wishes)
        {
            if (!networks.Networks.TryGetValue(wish.Network, out var network))
                return new AddressAnswer.Waits($"waiting until the managers tell this node of network {wish.Network}");
            if (networks.Self is null || network.Slices.IsEmpty)
                return new AddressAnswer.Waits($"waiting for addresses of network '{network.Name}' for this node");
            if (wish.Address is { } asked)
            {
                if (!network.Slices.Any(slice => slice.Contains(asked)))
                    return new AddressAnswer.Waits($"waiting until this node has the address {asked} of network '{network.Name}'");
                if (taken.Contains(asked))
                    return new AddressAnswer.Waits($"waiting until the address {asked} of network '{network.Name}' is free: another container on this node has it");
                chosen.Add(new TaskAddress(wish.Network, asked));
            }
            else if (LongestUnused(network, taken, released) is { } free)
                chosen.Add(new TaskAddress(wish.Network, free));
            else
                return new AddressAnswer.Waits($"waiting for more addresses of network '{network.Name}': all {network.Slices.Sum(slice => Usable(slice).Count)} of this node are in use");
        }
        return new AddressAnswer.Chosen(new(chosen.ToImmutable()));
    }

    /// <summary>The addresses of a slice that containers may have: the first and the last of larger ones are nobody's.</summary>
    public static (uint First, int Count) Usable(IPNetwork slice)
    {
        var first = Ipv4.ToNumber(slice.BaseAddress);
        var size = 1 << (32 - slice.PrefixLength);
        return size <= 2 ? (first, size) : (first + 1, size - 2);
    }

    private static IPAddress? LongestUnused(NodeNetwork network, IReadOnlySet<IPAddress> taken, ImmutableDictionary<IPAddress, long> released)
    {
        IPAddress? best = null;
        var since = long.MaxValue;
        // Slices of one address were asked for by number: they are not for everybody.
        foreach (var slice in network.Slices.Where(slice => slice.PrefixLength < 32))
        {
            var (first, count) = Usable(slice);
            for (var at = 0u; at < count; at++)
            {
                var address = Ipv4.ToAddress(first + at);
                if (taken.Contains(address))
                    continue;
                if (!released.TryGetValue(address, out var when))
                    return address;
                if (when < since)
                    (best, since) = (address, when);
            }
        }
        return best;
    }
}
