using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Turns a service's spec as people send it into the one that is kept: networks by id, and the network for its published ports.</summary>
/// <param name="Spec">With ids where they were found.</param>
/// <param name="Changes">A network that is to be made for it.</param>
/// <param name="Problems">Why it cannot be; empty when it can.</param>
internal sealed record NetworkResolution(ServiceSpec Spec, ImmutableArray<Change> Changes, ImmutableArray<string> Problems)
{
    /// <summary>Resolves <paramref name="spec"/>.</summary>
    /// <param name="state">Which networks there are.</param>
    /// <param name="spec">As it was sent.</param>
    /// <param name="service">The service it is for; null when it is new.</param>
    /// <param name="now">When a network is made for it.</param>
    /// <param name="ids">New ids.</param>
    public static NetworkResolution Of(ClusterState state, ServiceSpec spec, Service? service, DateTimeOffset now, IdSource ids)
    {
        if (spec.Task.Networks.IsEmpty && spec.Endpoint == EndpointSpec.Default)
            return new(spec, [], []);
        if (state.Level < ReleaseLevel.Networks)
            return new(spec, [], [LevelProblem(state)]);
        var problems = ImmutableArray.CreateBuilder<string>();
        var attachments = ImmutableArray.CreateBuilder<NetworkAttachment>();
        foreach (var attachment in spec.Task.Networks)
        {
            var reference = References.Network(state, attachment.Target);
            if (reference.Value is not { } network)
                problems.Add($"service '{spec.Name}': {reference.Refusal!.Message}");
            else if (network.IsLeaving)
                problems.Add($"service '{spec.Name}': network '{network.Spec.Name}' was removed and goes once its tasks have stopped; try again then, or choose another");
            else if (network.Spec.Name == NetworkSpec.Ingress)
                continue;
            else if (attachments.Any(other => other.Target == network.Id.ToString()))
                problems.Add($"service '{spec.Name}' names network '{network.Spec.Name}' twice; leave out one");
            else if (attachment.Address is { } address && AddressProblem(state, network, address, service) is { } wrong)
                problems.Add($"service '{spec.Name}': {wrong}");
            else
                attachments.Add(attachment with { Target = network.Id.ToString() });
        }
        var made = spec.Endpoint.Ports.IsEmpty || attachments.Count > 0 || problems.Count > 0 ? [] : Ingress(state, attachments, problems, now, ids);
        return new(spec with { Task = spec.Task with { Networks = new(attachments.DrainToImmutable()) } }, made, problems.DrainToImmutable());
    }

    /// <summary>Why there are no networks yet.</summary>
    public static string LevelProblem(ClusterState state) => string.Create(CultureInfo.InvariantCulture,
        $"the cluster's state is of release level {state.Level}, and networks need {ReleaseLevel.Networks}; upgrade all managers first (berth cluster status)");

    // Ports need a way to the tasks: a service that is in no network gets the one that is there for that.
    private static ImmutableArray<Change> Ingress(
        ClusterState state, ImmutableArray<NetworkAttachment>.Builder attachments, ImmutableArray<string>.Builder problems, DateTimeOffset now, IdSource ids)
    {
        if (state.FindNetwork(NetworkSpec.Ingress) is { } ingress)
        {
            attachments.Add(new NetworkAttachment { Target = ingress.Id.ToString() });
            return ingress.IsLeaving ? [new Change.NetworkPut(ingress with { IsLeaving = false })] : [];
        }
        var (network, problem) = NetworkCommands.Make(state, new NetworkSpec { Name = NetworkSpec.Ingress }, now, ids);
        if (network is null)
        {
            problems.Add(problem!);
            return [];
        }
        attachments.Add(new NetworkAttachment { Target = network.Id.ToString() });
        return [new Change.NetworkPut(network)];
    }

    private static string? AddressProblem(ClusterState state, Network network, IPAddress address, Service? service)
    {
        var (name, number) = (network.Spec.Name, AddressPlan.Number(address));
        if (!network.Subnet.Contains(address))
            return $"{address} is not in network '{name}' ({network.Subnet}); write one that is, or leave it out";
        if (AddressPlan.Vips(network.Subnet).Contains(address) || number == AddressPlan.First(network.Subnet))
            return $"{address} is kept for the network itself ('{name}': {AddressPlan.Address(AddressPlan.First(network.Subnet))} and {AddressPlan.Vips(network.Subnet)}); write another";
        foreach (var other in state.ServicesIn(network.Id))
        {
            if (other.Id != service?.Id && other.Spec.Task.Networks.Any(attachment => attachment.Target == network.Id.ToString() && address.Equals(attachment.Address)))
                return $"{address} of network '{name}' belongs to service '{other.Spec.Name}'; write another";
        }
        foreach (var node in state.Nodes.Values)
        {
            if (node.Slices.Any(slice => slice.Network == network.Id && slice.Prefix.PrefixLength < 32 && slice.Prefix.Contains(address)))
                return $"{address} of network '{name}' is among those that tasks on node '{node.Description.Hostname}' have; write one of the first of {network.Subnet}, which are given last";
        }
        return null;
    }
}
