using System.Collections.Immutable;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>Gives nodes their numbers and slices, and takes slices back: docs/networks.md.</summary>
/// <remarks>Looks at what there is, so it decides the same again after a change of leaders, and nothing once nothing is to be done.</remarks>
public static class Slicing
{
    /// <summary>Decides for some nodes, and removes networks that were only waiting for their last task.</summary>
    public static Decision Arrange(ClusterState state, Command.ArrangeNetworks command)
    {
        var changes = ImmutableArray.CreateBuilder<Change>();
        var taken = new Taken(state);
        foreach (var id in command.Nodes.Order())
        {
            if (!state.Nodes.TryGetValue(id, out var node))
                continue;
            var arranged = Arrange(state, node, taken);
            if (arranged.Number != node.Number || arranged.Slices != node.Slices)
                changes.Add(new Change.NodeNetworksPut(id, arranged.Number, arranged.Slices));
        }
        var after = state.Apply(new Commit(state.Index, default, changes.ToImmutable()));
        foreach (var network in Finished(after))
            changes.Add(new Change.NetworkRemoved(network));
        return Decision.Accept(changes.DrainToImmutable(), new CommandResults.NetworksChanged([]));
    }

    /// <summary>Whether <see cref="Arrange(ClusterState, Command.ArrangeNetworks)"/> has something to do for a node, but that there is nothing left to give.</summary>
    public static bool IsDue(ClusterState state, Node node)
    {
        if (node.Number == 0 && IsToHaveNumber(state, node))
            return true;
        var wanted = Wanted(state, node);
        foreach (var (network, want) in wanted)
        {
            var held = node.Slices.Where(slice => slice.Network == network).ToList();
            if (Capacity(held) < want.Count || want.Static.Any(address => !held.Any(slice => slice.Prefix.Equals(One(address)))))
                return true;
        }
        return CanReturn(node) && node.Slices.Any(slice => !IsWanted(wanted, slice));
    }

    /// <summary>Networks that were removed with their stack, and that nothing uses any more.</summary>
    public static IEnumerable<NetworkId> Finished(ClusterState state) =>
        state.Networks.Values.Where(network => network.IsLeaving && NetworkCommands.UseOf(state, network) is null).Select(network => network.Id).Order();

    /// <summary>Blocks of a network that no node has.</summary>
    public static long FreeBlocks(ClusterState state, Network network)
    {
        var prefix = AddressPlan.SlicePrefix(network.Subnet);
        var held = state.Nodes.Values.Sum(node => node.Slices.Count(slice => slice.Network == network.Id && slice.Prefix.PrefixLength < 32));
        return AddressPlan.Blocks(network.Subnet, prefix) - AddressPlan.Blocks(AddressPlan.Vips(network.Subnet), prefix) - held;
    }

    /// <summary>Tasks that a node's slices of a network still have an address for.</summary>
    public static int RoomFor(ClusterState state, Node node, NetworkId network) =>
        Capacity(node.Slices.Where(slice => slice.Network == network)) - (Wanted(state, node).GetValueOrDefault(network)?.Count ?? 0);

    private static (int Number, ValueList<NodeSlice> Slices) Arrange(ClusterState state, Node node, Taken taken)
    {
        var number = node.Number > 0 || !IsToHaveNumber(state, node) ? node.Number : taken.Number();
        var wanted = Wanted(state, node);
        var kept = CanReturn(node) ? node.Slices.Where(slice => IsWanted(wanted, slice)).ToList() : [.. node.Slices];
        foreach (var returned in node.Slices.Except(kept))
            taken.Return(returned);
        foreach (var (id, want) in wanted.OrderBy(pair => pair.Key))
        {
            if (!state.Networks.TryGetValue(id, out var network))
                continue;
            foreach (var address in want.Static.Where(address => !kept.Any(slice => slice.Network == id && slice.Prefix.Equals(One(address)))))
            {
                if (taken.Static(network, address) is { } own)
                    kept.Add(own);
            }
            while (Capacity(kept.Where(slice => slice.Network == id)) < want.Count && taken.Block(network) is { } slice)
                kept.Add(slice);
        }
        return (number, kept.OrderBy(slice => slice.Network).ThenBy(slice => AddressPlan.First(slice.Prefix)).ToValueList());
    }

    // A node that cannot be heard may still run what it was given: its addresses stay its own until it is back, or removed.
    private static bool CanReturn(Node node) => node.Status.State == NodeState.Ready;

    private static bool IsToHaveNumber(ClusterState state, Node node) =>
        !state.Networks.IsEmpty && node.Description.Networking.IsAble && IPAddress.TryParse(node.Description.Address, out _);

    private static bool IsWanted(Dictionary<NetworkId, Want> wanted, NodeSlice slice) =>
        wanted.TryGetValue(slice.Network, out var want)
        && (slice.Prefix.PrefixLength < 32 ? want.Count > 0 : want.Static.Contains(slice.Prefix.BaseAddress));

    private static int Capacity(IEnumerable<NodeSlice> slices) =>
        slices.Where(slice => slice.Prefix.PrefixLength < 32).Sum(slice => AddressPlan.TasksPer(slice.Prefix));

    private static IPNetwork One(IPAddress address) => new(address, 32);

    private static Dictionary<NetworkId, Want> Wanted(ClusterState state, Node node)
    {
        var wanted = new Dictionary<NetworkId, Want>();
        foreach (var task in state.TasksOn(node.Id))
        {
            if (task.State < TaskState.Assigned || task.State.IsTerminal())
                continue;
            foreach (var attachment in task.Spec.Networks)
            {
                if (!NetworkId.TryParse(attachment.Target, out var id))
                    continue;
                if (!wanted.TryGetValue(id, out var want))
                    wanted[id] = want = new Want();
                if (attachment.Address is { } address)
                    want.Static.Add(address);
                else
                    want.Count++;
            }
        }
        return wanted;
    }

    private sealed class Want
    {
        public int Count { get; set; }
        public HashSet<IPAddress> Static { get; } = [];
    }

    // What nodes have, gathered once for one decision.
    private sealed class Taken
    {
        private readonly ClusterState _state;
        private readonly HashSet<int> _numbers;
        private readonly Dictionary<NetworkId, HashSet<IPNetwork>> _slices = [];

        public Taken(ClusterState state)
        {
            _state = state;
            _numbers = [.. state.Nodes.Values.Select(node => node.Number)];
            foreach (var slice in state.Nodes.Values.SelectMany(node => node.Slices))
                Of(slice.Network).Add(slice.Prefix);
        }

        public int Number()
        {
            var most = AddressPlan.MostNodes(_state.Settings.NetworkPool);
            for (var number = 1; number <= most; number++)
            {
                if (_numbers.Add(number))
                    return number;
            }
            return 0;
        }

        public NodeSlice? Static(Network network, IPAddress address)
        {
            if (Of(network.Id).Any(other => other.Contains(address)))
                return null;
            Of(network.Id).Add(One(address));
            return new NodeSlice(network.Id, One(address));
        }

        // The first block is given last: people who choose an address themselves choose a low one.
        public NodeSlice? Block(Network network)
        {
            var prefix = AddressPlan.SlicePrefix(network.Subnet);
            var (taken, vips) = (Of(network.Id), AddressPlan.Vips(network.Subnet));
            var chosen = _state.ServicesIn(network.Id).SelectMany(service => service.Spec.Task.Networks)
                .Where(attachment => attachment.Address is not null && attachment.Target == network.Id.ToString()).Select(attachment => attachment.Address!).ToList();
            var blocks = AddressPlan.Blocks(network.Subnet, prefix);
            for (var at = 0L; at < blocks; at++)
            {
                var block = AddressPlan.Block(network.Subnet, prefix, (at + 1) % blocks);
                if (AddressPlan.Overlap(block, vips) || taken.Contains(block) || chosen.Exists(block.Contains)
                    || taken.Any(other => other.PrefixLength == 32 && block.Contains(other.BaseAddress)))
                {
                    continue;
                }
                taken.Add(block);
                return new NodeSlice(network.Id, block);
            }
            return null;
        }

        public void Return(NodeSlice slice) => Of(slice.Network).Remove(slice.Prefix);

        private HashSet<IPNetwork> Of(NetworkId network)
        {
            if (!_slices.TryGetValue(network, out var slices))
                _slices[network] = slices = [];
            return slices;
        }
    }
}
