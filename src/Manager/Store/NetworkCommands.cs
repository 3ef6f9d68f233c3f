using System.Collections.Immutable;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Decides commands about networks.</summary>
internal static class NetworkCommands
{
    public static Decision Create(ClusterState state, Command.CreateNetwork command, DateTimeOffset now, IdSource ids)
    {
        if (state.Level < ReleaseLevel.Networks)
            return Decision.Refuse(RefusalReason.Conflict, NetworkResolution.LevelProblem(state));
        var problems = EndpointRules.Check(command.Spec).Select(problem => problem.ToString()).ToList();
        if (problems.Count > 0)
            return Decision.Refuse(RefusalReason.Invalid, problems);
        if (state.FindNetwork(command.Spec.Name) is { } existing)
        {
            return Decision.Refuse(RefusalReason.Exists,
                $"there is a network '{command.Spec.Name}' already ({existing.Id}, {existing.Subnet}); choose another name, or remove it: berth network rm {command.Spec.Name}");
        }
        var (network, problem) = Make(state, command.Spec, now, ids);
        return network is null
            ? Decision.Refuse(RefusalReason.Conflict, problem!)
            : Decision.Accept([new Change.NetworkPut(network)], new CommandResults.NetworksChanged([network.Id]));
    }

    public static Decision Remove(ClusterState state, Command.RemoveNetworks command)
    {
        var found = new List<Network>();
        var refusals = new List<StoreProtocol.Refused>();
        if (command.Networks.IsEmpty)
            refusals.Add(new StoreProtocol.Refused(RefusalReason.Invalid, "no network is named"));
        foreach (var text in command.Networks)
        {
            var reference = References.Network(state, text);
            if (reference.Refusal is { } refusal)
                refusals.Add(refusal);
            else if (UseOf(state, reference.Value!) is { } use)
                refusals.Add(new StoreProtocol.Refused(RefusalReason.Conflict, use));
            else if (!found.Contains(reference.Value!))
                found.Add(reference.Value!);
        }
        return refusals.Count > 0
            ? Decision.Refuse(refusals[0].Reason, refusals.Select(refusal => refusal.Message))
            : Decision.Accept([.. found.Select(network => new Change.NetworkRemoved(network.Id))], new CommandResults.NetworksChanged([.. found.Select(network => network.Id)]));
    }

    /// <summary>A new network of <paramref name="spec"/>, or why there can be none.</summary>
    public static (Network? Network, string? Problem) Make(ClusterState state, NetworkSpec spec, DateTimeOffset now, IdSource ids)
    {
        if (spec.Subnet is { } asked && SubnetProblem(state, asked) is { } problem)
            return (null, $"network '{spec.Name}': {problem}");
        if ((spec.Subnet ?? FreeAddresses.Subnet(state)) is not { } subnet)
        {
            return (null, $"network '{spec.Name}': the pool {state.Settings.NetworkPool} has no /{state.Settings.NetworkSize} left beside {state.Networks.Count} networks and the hosts' own routes; "
                + "remove networks, or give the cluster another pool: berth cluster update --network-pool");
        }
        var kept = spec.Driver == NetworkSpec.Overlay ? spec : spec with { Driver = NetworkSpec.Overlay };
        return (new Network { Id = new NetworkId(ids.Next()), CreatedAt = now, Spec = kept, Subnet = subnet }, null);
    }

    /// <summary>What makes a stack's networks be what its file says: new ones, and ones that are to stay after all.</summary>
    public static (ImmutableArray<Change> Changes, List<StoreProtocol.Refused> Refusals) Deploy(ClusterState state, StackSpec stack, DateTimeOffset now, IdSource ids)
    {
        var changes = ImmutableArray.CreateBuilder<Change>();
        var refusals = new List<StoreProtocol.Refused>();
        if (!stack.Networks.IsEmpty && state.Level < ReleaseLevel.Networks)
            return ([], [new StoreProtocol.Refused(RefusalReason.Conflict, NetworkResolution.LevelProblem(state))]);
        foreach (var asked in stack.Networks)
        {
            var spec = asked with
            {
                Labels = asked.Labels.With(StackLabels.Namespace, stack.Name),
                Driver = NetworkSpec.Overlay,
            };
            if (state.FindNetwork(spec.Name) is { } existing)
            {
                if (Misfit(existing, spec, stack.Name) is { } misfit)
                    refusals.Add(misfit);
                else if (existing.IsLeaving || existing.Spec != spec)
                    changes.Add(new Change.NetworkPut(existing with { IsLeaving = false, Spec = spec }));
                continue;
            }
            var (network, problem) = Make(state, spec, now, ids);
            if (network is null)
            {
                refusals.Add(new StoreProtocol.Refused(RefusalReason.Conflict, problem!));
                continue;
            }
            changes.Add(new Change.NetworkPut(network));
            state = state.Apply(new Commit(state.Index, now, [changes[^1]]));
        }
        return (changes.DrainToImmutable(), refusals);
    }

    /// <summary>Networks of a stack that are not to be there any more: each goes once nothing has an address of it.</summary>
    public static IEnumerable<Change> Leave(ClusterState state, string stack, IEnumerable<NetworkSpec> kept)
    {
        var names = kept.Select(network => network.Name).ToHashSet(StringComparer.Ordinal);
        return state.Networks.Values.Where(network => network.Stack == stack && !network.IsLeaving && !names.Contains(network.Spec.Name))
            .OrderBy(network => network.Id).Select(network => new Change.NetworkPut(network with { IsLeaving = true }));
    }

    /// <summary>Who uses a network, and what to do about it; null when nothing does.</summary>
    public static string? UseOf(ClusterState state, Network network)
    {
        var services = state.ServicesIn(network.Id).Select(service => service.Spec.Name).Order(StringComparer.Ordinal).ToList();
        if (services.Count > 0)
        {
            var more = services.Count > 5 ? $" and {services.Count - 5} more" : "";
            return $"network '{network.Spec.Name}' is in use by {string.Join(", ", services.Take(5).Select(name => $"'{name}'"))}{more}; remove or update these services first";
        }
        var nodes = state.Nodes.Values.Where(node => node.Slices.Any(slice => slice.Network == network.Id)).Select(node => node.Description.Hostname).Order(StringComparer.Ordinal).ToList();
        return nodes.Count == 0
            ? null
            : $"network '{network.Spec.Name}' still has tasks on {string.Join(", ", nodes.Take(5))}; wait until they have stopped (a node that is down holds its addresses until it is back or removed), then repeat this";
    }

    private static string? SubnetProblem(ClusterState state, System.Net.IPNetwork subnet)
    {
        var pool = state.Settings.NetworkPool;
        if (!AddressPlan.Contains(pool, subnet))
            return $"subnet {subnet} is not in the cluster's pool {pool}, which all networks come from; choose one that is, leave it out, or change the pool: berth cluster update --network-pool";
        if (AddressPlan.Overlap(AddressPlan.Nodes(pool), subnet))
            return $"subnet {subnet} overlaps {AddressPlan.Nodes(pool)}, which the nodes themselves have; choose one behind it";
        if (state.Networks.Values.Where(network => AddressPlan.Overlap(network.Subnet, subnet)).MinBy(network => network.Spec.Name) is { } other)
            return $"subnet {subnet} overlaps network '{other.Spec.Name}' ({other.Subnet}); choose another, or leave it out";
        var routes = FreeAddresses.Routes(state).Where(route => AddressPlan.Overlap(route.Route, subnet)).ToList();
        return routes.Count == 0
            ? null
            : $"subnet {subnet} overlaps {routes[0].Route}, which host '{routes[0].Node.Description.Hostname}' already has a route to; choose another, or leave it out";
    }

    private static StoreProtocol.Refused? Misfit(Network existing, NetworkSpec spec, string stack)
    {
        var name = spec.Name;
        if (existing.Stack != stack)
        {
            var owner = existing.Stack is { } other ? $"belongs to stack '{other}'" : "belongs to no stack";
            return new(RefusalReason.Exists, $"network '{name}' exists and {owner}; write external: true to use it, or give this one another name");
        }
        if (spec.Subnet is { } subnet && subnet != existing.Subnet)
            return new(RefusalReason.Conflict, $"network '{name}' has the subnet {existing.Subnet} and cannot get {subnet}; remove the stack first, or give the network another name");
        var differs = existing.Spec.IsInternal != spec.IsInternal ? "internal"
            : existing.Spec.IsAttachable != spec.IsAttachable ? "attachable"
            : !existing.Spec.DriverOptions.Equals(spec.DriverOptions) ? "driver_opts" : null;
        return differs is null
            ? null
            : new(RefusalReason.Conflict, $"network '{name}' exists with another {differs}, and networks do not change; remove the stack first, or give the network another name");
    }
}
