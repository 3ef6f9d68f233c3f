using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Balance;

/// <summary>What a host's rules have to be.</summary>
public static class RulesetSource
{
    /// <summary>The whole table; null while this node has no number, and so no part in any network.</summary>
    /// <param name="state">What managers told, and the containers that are here.</param>
    /// <param name="settings">Numbers.</param>
    public static Ruleset? From(PlaneState state, BalanceSettings settings)
    {
        if (state.Wanted.Self is not { } self)
            return null;
        var chains = ImmutableDictionary.CreateBuilder<string, ValueList<string>>();
        return new Ruleset
        {
            Table = $"ip {settings.Table}",
            Sets = Frame.Sets,
            BaseChains = Frame.Chains(state.Wanted.Pool, self, settings),
            Elements = new Dictionary<string, ImmutableDictionary<string, string>>
            {
                [Frame.Nodes] = Keys(state.Wanted.Peers.Values.Append(self).Select(peer => peer.Underlay.ToString())),
                [Frame.Sources] = Keys(state.Local.Select(local => $"\"{local.HostInterface}\" . {local.Address}")),
                [Frame.Own] = Keys(state.Local.Select(local => $"{local.Address} . {local.Address}")),
                [Frame.Networks] = Keys(state.Wanted.Networks.Values.Select(network => $"{network.Subnet} . {network.Subnet}")),
                [Frame.Internals] = Keys(state.Wanted.Networks.Values.Where(network => network.IsInternal).Select(network => network.Subnet.ToString())),
                [Frame.Vips] = Keys(state.Wanted.Networks.Values.Select(network => network.Vips.ToString())),
                [Frame.Services] = Pairs(Services(state, self, chains)),
                [Frame.Ports] = Pairs(Ports(state, self, settings, chains)),
                [Frame.Returns] = Pairs(state.Wanted.Peers.Values.Select(peer => KeyValuePair.Create(
                    HardwareAddress.OfUnderlay(peer.Underlay).ToString(), Frame.Mark((uint)peer.Number << settings.NodeShift)))),
            }.ToImmutableDictionary(),
            Chains = chains.ToImmutable(),
        };
    }

    /// <summary>Addresses that connections may go on to: those of all backends, draining or not, that are not known to be gone.</summary>
    public static ImmutableHashSet<IPAddress> Alive(PlaneState state)
    {
        var local = LocalAddresses(state);
        return state.Wanted.Services.Values.SelectMany(service => service.Backends)
            .SelectMany(backend => backend.Addresses.Where(address => IsThere(backend, address.Address, state.Wanted.Self, local)))
            .Select(address => address.Address).Concat(local).ToImmutableHashSet();
    }

    /// <summary>Which of a service's tasks answer in a network, with their shares: sorted, so that the same ones make the same rule.</summary>
    private static ImmutableArray<(IPAddress Address, int Weight)> Answering(
        ServiceEndpoints service, NetworkId network, NetworkPeer self, HashSet<IPAddress> local) =>
    [
        .. from backend in service.Backends
           where !backend.IsDraining
           from address in backend.Addresses
           where address.Network == network && IsThere(backend, address.Address, self, local)
           orderby Ipv4.ToNumber(address.Address)
           select (address.Address, Math.Max(1, backend.Weight)),
    ];

    // A manager hears of a dead task later than its own host.
    private static bool IsThere(Backend backend, IPAddress address, NetworkPeer? self, HashSet<IPAddress> local) =>
        backend.Node != self?.Number || local.Contains(address);

    private static HashSet<IPAddress> LocalAddresses(PlaneState state) => [.. state.Local.Select(endpoint => endpoint.Address)];

    private static IEnumerable<KeyValuePair<string, string>> Services(
        PlaneState state, NetworkPeer self, ImmutableDictionary<string, ValueList<string>>.Builder chains)
    {
        var local = LocalAddresses(state);
        foreach (var service in state.Wanted.Services.Values)
        {
            foreach (var place in service.Networks.Where(place => place.Vip is not null && !service.IsDnsRoundRobin))
            {
                if (!state.Wanted.Networks.ContainsKey(place.Network) || Answering(service, place.Network, self, local) is not { Length: > 0 } answering)
                    continue;
                var chain = $"v_{service.Id}_{place.Network}";
                chains[chain] = [$"dnat to {Choice(answering, service.HasAffinity, port: null)}"];
                yield return KeyValuePair.Create(place.Vip!.ToString(), $"goto {chain}");
            }
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Ports(
        PlaneState state, NetworkPeer self, BalanceSettings settings, ImmutableDictionary<string, ValueList<string>>.Builder chains)
    {
        var local = LocalAddresses(state);
        var own = state.HostPorts.Where(port => local.Contains(port.Address)).ToLookup(port => (port.Port.Protocol, port.Port.Published));
        foreach (var group in own)
        {
            var to = group.OrderBy(port => port.Task).Select(port => ((port.Address, 1), port.Port.Target)).First();
            yield return Port(group.Key.Protocol, group.Key.Published, [to.Item1], to.Target, hasAffinity: false, settings, chains);
        }
        var taken = own.Select(group => group.Key).ToHashSet();
        foreach (var service in state.Wanted.Services.Values.OrderBy(service => service.Id))
        {
            if (service.Published.IsEmpty || PortNetwork(service, state.Wanted) is not { } network
                || Answering(service, network, self, local) is not { Length: > 0 } answering)
                continue;
            // Managers give a port to one service only; were it two, all nodes agree on the first.
            foreach (var port in service.Published.Where(port => port.Published > 0 && taken.Add((port.Protocol, port.Published))))
                yield return Port(port.Protocol, port.Published, answering, port.Target, service.HasAffinity, settings, chains);
        }
    }

    private static KeyValuePair<string, string> Port(
        PortProtocol protocol, int published, ImmutableArray<(IPAddress, int)> answering, int target, bool hasAffinity,
        BalanceSettings settings, ImmutableDictionary<string, ValueList<string>>.Builder chains)
    {
        var word = protocol.ToString().ToLowerInvariant();
        var chain = string.Create(CultureInfo.InvariantCulture, $"p_{word}_{published}");
        var mark = Frame.Mark(settings.PublishedMark);
        chains[chain] = [$"ct mark set ct mark | {mark}", $"meta l4proto {word} dnat ip to {Choice(answering, hasAffinity, target)}"];
        return KeyValuePair.Create(string.Create(CultureInfo.InvariantCulture, $"{word} . {published}"), $"goto {chain}");
    }

    /// <summary>The network in which a service's published ports are answered: its first one with a way out, for replies need it.</summary>
    private static NetworkId? PortNetwork(ServiceEndpoints service, NodeNetworks networks)
    {
        var known = service.Networks.Where(place => networks.Networks.ContainsKey(place.Network)).Select(place => place.Network).ToList();
        return known.Where(network => !networks.Networks[network].IsInternal).Select(network => (NetworkId?)network).FirstOrDefault()
            ?? known.Select(network => (NetworkId?)network).FirstOrDefault();
    }

    /// <summary>The address, and port, that a new connection goes to: by chance, or by the client's address.</summary>
    private static string Choice(ImmutableArray<(IPAddress Address, int Weight)> answering, bool hasAffinity, int? port)
    {
        if (answering.Length == 1)
            return port is null ? answering[0].Address.ToString() : string.Create(CultureInfo.InvariantCulture, $"{answering[0].Address}:{port}");
        var total = answering.Sum(backend => backend.Weight);
        var by = hasAffinity ? "jhash ip saddr" : "numgen random";
        // The same seed on all hosts: a client comes to the same task by any of them.
        var seed = hasAffinity ? " seed 0x62657274" : "";
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{by} mod {total}{seed} map {{ ");
        var at = 0;
        foreach (var (address, weight) in answering)
        {
            if (at > 0)
                text.Append(", ");
            text.Append(CultureInfo.InvariantCulture, $"{at}");
            if (weight > 1)
                text.Append(CultureInfo.InvariantCulture, $"-{at + weight - 1}");
            text.Append(CultureInfo.InvariantCulture, $" : {address}");
            if (port is not null)
                text.Append(CultureInfo.InvariantCulture, $" . {port}");
            at += weight;
        }
        return text.Append(" }").ToString();
    }

    private static ImmutableDictionary<string, string> Keys(IEnumerable<string> keys) => Pairs(keys.Select(key => KeyValuePair.Create(key, "")));

    // The last of two equal keys counts: one that is double for a moment is no reason to have no rules.
    private static ImmutableDictionary<string, string> Pairs(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var built = ImmutableDictionary.CreateBuilder<string, string>();
        foreach (var pair in pairs)
            built[pair.Key] = pair.Value;
        return built.ToImmutable();
    }
}
