using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Names;

/// <summary>Who asks.</summary>
/// <param name="Networks">Its networks, in its order; names are looked for in one after the other.</param>
/// <param name="Stack">The stack it belongs to; null when that is not known.</param>
/// <param name="MayLeave">Whether one of its networks has a way out, so that names outside mean something to it.</param>
internal sealed record Asker(ImmutableArray<NetworkId> Networks, string? Stack, bool MayLeave)
{
    /// <summary>Nobody's container: a process of the host.</summary>
    public static Asker Host { get; } = new([], null, MayLeave: true);
}

/// <summary>A service under one of its names in a network.</summary>
/// <param name="Service">The service.</param>
/// <param name="Vip">Its virtual address there; null where its name gives its tasks.</param>
internal sealed record NamedService(ServiceEndpoints Service, IPAddress? Vip);

/// <summary>All names of a host's networks, ready to be asked. Pure.</summary>
internal sealed class NameTable
{
    private readonly FrozenDictionary<NetworkId, FrozenDictionary<string, ImmutableArray<NamedService>>> _names;
    private readonly FrozenDictionary<IPAddress, Asker> _askers;
    private readonly FrozenDictionary<string, IPAddress> _nodes;
    private readonly FrozenSet<string> _known;
    private readonly Lazy<FrozenDictionary<IPAddress, ImmutableArray<(NetworkId? Network, string Name)>>> _reverse;
    private readonly HashSet<IPAddress> _local;
    private readonly NodeNetworks _wanted;

    private NameTable(PlaneState state)
    {
        _wanted = state.Wanted;
        _local = [.. state.Local.Select(endpoint => endpoint.Address)];
        _names = Names(state.Wanted);
        _known = _names.Values.SelectMany(names => names.Keys).ToFrozenSet();
        _nodes = Nodes(state.Wanted);
        _askers = Askers(state);
        _reverse = new(Reverse);
    }

    /// <summary>From what managers told and which containers are here.</summary>
    public static NameTable From(PlaneState state) => new(state);

    /// <summary>Where containers' and virtual addresses are from.</summary>
    public IPNetwork Pool => _wanted.Pool;

    /// <summary>Who asks, by its address.</summary>
    public Asker AskerOf(IPAddress address) => _askers.GetValueOrDefault(address, Asker.Host);

    /// <summary>The address of the node that is called so; null when there is none.</summary>
    public IPAddress? Node(string name) => _nodes.GetValueOrDefault(name);

    /// <summary>Whether any service in any network is called so.</summary>
    public bool IsKnown(string name) => _known.Contains(name);

    /// <summary>The services of one network that are called so.</summary>
    public ImmutableArray<NamedService> Find(NetworkId network, string name) =>
        _names.TryGetValue(network, out var names) && names.TryGetValue(name, out var found) ? found : [];

    /// <summary>What the address is called, for those in one of these networks.</summary>
    public IEnumerable<string> NamesOf(IPAddress address, ImmutableArray<NetworkId> networks) =>
        _reverse.Value.TryGetValue(address, out var names) ? names.Where(name => name.Network is not { } network || networks.Contains(network)).Select(name => name.Name) : [];

    /// <summary>A service's tasks with addresses in a network: those that take new connections.</summary>
    public IEnumerable<(Backend Backend, IPAddress Address)> Tasks(ServiceEndpoints service, NetworkId network)
    {
        foreach (var backend in service.Backends)
        {
            foreach (var address in backend.Addresses)
            {
                // A manager hears of a dead task later than its own host.
                if (address.Network == network && !backend.IsDraining && (backend.Node != _wanted.Self?.Number || _local.Contains(address.Address)))
                    yield return (backend, address.Address);
            }
        }
    }

    /// <summary>The name of one task, as Docker names its container.</summary>
    public static string TaskName(ServiceEndpoints service, Backend backend) =>
        string.Create(CultureInfo.InvariantCulture, $"{Lower(service.Name)}.{backend.Slot}.{backend.TaskId}");

    /// <summary>A service's names in a network, in lower case; the first is its own.</summary>
    public static IEnumerable<string> NamesOf(ServiceEndpoints service, ServiceNetwork place)
    {
        var own = Lower(service.Name);
        yield return own;
        if (service.Stack is { Length: > 0 } stack)
        {
            var prefix = Lower(stack) + "_";
            var brief = own.StartsWith(prefix, StringComparison.Ordinal) ? own[prefix.Length..] : own;
            yield return brief;
            yield return $"{brief}.{Lower(stack)}";
        }
        foreach (var alias in place.Aliases)
            yield return Lower(alias);
    }

    // Names are compared in lower case, as everywhere in DNS.
#pragma warning disable CA1308
    private static string Lower(string name) => name.ToLowerInvariant();
#pragma warning restore CA1308

    private static FrozenDictionary<NetworkId, FrozenDictionary<string, ImmutableArray<NamedService>>> Names(NodeNetworks wanted)
    {
        var names = new Dictionary<NetworkId, Dictionary<string, List<NamedService>>>();
        foreach (var service in wanted.Services.Values.OrderBy(service => service.Id))
        {
            foreach (var place in service.Networks)
            {
                if (!names.TryGetValue(place.Network, out var network))
                    names.Add(place.Network, network = []);
                var named = new NamedService(service, service.IsDnsRoundRobin ? null : place.Vip);
                foreach (var name in NamesOf(service, place).Distinct().Where(name => name.Length is > 0 and < DnsCode.LongestName))
                {
                    if (!network.TryGetValue(name, out var services))
                        network.Add(name, services = []);
                    services.Add(named);
                }
            }
        }
        return names.ToFrozenDictionary(network => network.Key,
            network => network.Value.ToFrozenDictionary(name => name.Key, name => name.Value.ToImmutableArray()));
    }

    private static FrozenDictionary<string, IPAddress> Nodes(NodeNetworks wanted)
    {
        var nodes = new Dictionary<string, IPAddress>();
        foreach (var peer in wanted.Peers.Values.Append(wanted.Self).OfType<NetworkPeer>().OrderBy(peer => peer.Number))
        {
            var (name, address) = (Lower(peer.Hostname), Ipv4.OfNode(wanted.Pool, peer.Number));
            nodes.TryAdd(name, address);
            nodes.TryAdd(name.Split('.')[0], address);
        }
        return nodes.ToFrozenDictionary();
    }

    private static FrozenDictionary<IPAddress, Asker> Askers(PlaneState state)
    {
        var here = state.Local.Select(endpoint => endpoint.Task).ToHashSet();
        var stacks = new Dictionary<TaskId, string?>();
        foreach (var service in state.Wanted.Services.Values)
        {
            foreach (var backend in service.Backends.Where(backend => here.Contains(backend.TaskId)))
                stacks[backend.TaskId] = service.Stack;
        }
        var askers = new Dictionary<IPAddress, Asker>();
        foreach (var task in state.Local.GroupBy(endpoint => endpoint.Namespace))
        {
            var networks = task.Select(endpoint => endpoint.Network).Distinct().ToImmutableArray();
            var mayLeave = networks.Any(network => state.Wanted.Networks.TryGetValue(network, out var known) && !known.IsInternal);
            var asker = new Asker(networks, stacks.GetValueOrDefault(task.First().Task), mayLeave);
            foreach (var endpoint in task)
                askers[endpoint.Address] = asker;
        }
        return askers.ToFrozenDictionary();
    }

    private FrozenDictionary<IPAddress, ImmutableArray<(NetworkId? Network, string Name)>> Reverse()
    {
        var names = new Dictionary<IPAddress, List<(NetworkId?, string)>>();
        foreach (var service in _wanted.Services.Values.OrderBy(service => service.Id))
        {
            foreach (var place in service.Networks.Where(place => place.Vip is not null))
                Add(place.Vip!, place.Network, Lower(service.Name));
            foreach (var backend in service.Backends)
            {
                foreach (var address in backend.Addresses)
                    Add(address.Address, address.Network, TaskName(service, backend));
            }
        }
        foreach (var peer in _wanted.Peers.Values.Append(_wanted.Self).OfType<NetworkPeer>())
            Add(Ipv4.OfNode(_wanted.Pool, peer.Number), null, Lower(peer.Hostname));
        return names.ToFrozenDictionary(name => name.Key, name => name.Value.ToImmutableArray());

        void Add(IPAddress address, NetworkId? network, string name)
        {
            if (!names.TryGetValue(address, out var list))
                names.Add(address, list = []);
            list.Add((network, name));
        }
    }
}
