using System.Collections.Immutable;
using System.Globalization;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>Gives a service its virtual addresses and published ports.</summary>
/// <remarks>What it has and may keep it keeps: an update that changes neither networks nor ports changes no address.</remarks>
public static class Endpoints
{
    /// <summary>What a service is given, and what it could not be given.</summary>
    /// <param name="Endpoint">All that there is.</param>
    /// <param name="Problems">For people, with what to do; empty when it got everything.</param>
    public sealed record Given(ServiceEndpoint Endpoint, ImmutableArray<string> Problems);

    /// <summary>Decides for <paramref name="service"/>, whose spec names networks by id.</summary>
    /// <param name="state">What others hold; the service's own counts as free.</param>
    /// <param name="service">The service with the spec it is to have and the endpoint it had.</param>
    public static Given Assign(ClusterState state, Service service)
    {
        var problems = ImmutableArray.CreateBuilder<string>();
        var vips = ImmutableArray.CreateBuilder<VirtualAddress>();
        if (service.Spec.Endpoint.Mode == EndpointMode.Vip)
        {
            foreach (var id in service.Spec.Task.NetworkIds())
                AddVip(state, service, id, vips, problems);
        }
        var ports = ImmutableArray.CreateBuilder<PublishedPort>();
        // Those that are asked for by number first: what the cluster chooses must not take one of them.
        foreach (var port in service.Spec.Endpoint.Ports.OrderBy(port => port.Published == 0))
            AddPort(state, service, port, ports, problems);
        foreach (var port in service.Spec.Task.Ports.Where(port => port.Published > 0))
        {
            if (FreeAddresses.PublisherOf(state, service.Id, port.Published, port.Protocol) is { } holder)
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"port {port.Published}/{Word(port.Protocol)} (mode=host) of service '{service.Spec.Name}' is taken: {holder}; choose another"));
        }
        var ordered = ports.OrderBy(port => port.Published).ThenBy(port => port.Protocol).ToValueList();
        var endpoint = new ServiceEndpoint { VirtualAddresses = new(vips.DrainToImmutable()), Ports = ordered };
        return new Given(endpoint == ServiceEndpoint.None ? ServiceEndpoint.None : endpoint, problems.DrainToImmutable());
    }

    private static void AddVip(
        ClusterState state, Service service, NetworkId id, ImmutableArray<VirtualAddress>.Builder vips, ImmutableArray<string>.Builder problems)
    {
        if (!state.Networks.TryGetValue(id, out var network))
        {
            problems.Add($"network {id} of service '{service.Spec.Name}' is gone; leave it out, or make it anew: berth network create NAME");
            return;
        }
        var had = service.Endpoint.VirtualAddresses.FirstOrDefault(vip => vip.Network == id);
        var address = had?.Address ?? FreeAddresses.Vip(state, network, service.Id);
        if (address is null)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture,
                $"network '{network.Spec.Name}' ({network.Subnet}) has no virtual address left: {AddressPlan.Count(AddressPlan.Vips(network.Subnet)) - 2} services have one; use endpoint_mode: dnsrr, or another network"));
            return;
        }
        vips.Add(new VirtualAddress(id, address));
    }

    private static void AddPort(
        ClusterState state, Service service, PublishedPort port, ImmutableArray<PublishedPort>.Builder ports, ImmutableArray<string>.Builder problems)
    {
        if (port.Published > 0)
        {
            if (FreeAddresses.HolderOf(state, service.Id, port.Published, port.Protocol) is { } holder)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture,
                    $"port {port.Published}/{Word(port.Protocol)} of service '{service.Spec.Name}' is taken: {holder}; choose another, or leave the number out to be given one"));
            }
            else
            {
                ports.Add(port);
            }
            return;
        }
        var had = service.Endpoint.Ports.FirstOrDefault(other =>
            other.Target == port.Target && other.Protocol == port.Protocol && other.Published is >= FreeAddresses.FirstPort and <= FreeAddresses.LastPort
            && !ports.Any(given => given.Published == other.Published && given.Protocol == other.Protocol));
        var kept = had is not null && FreeAddresses.HolderOf(state, service.Id, had.Published, had.Protocol) is null ? had.Published : (int?)null;
        if ((kept ?? FreeAddresses.Port(state, service.Id, port.Protocol, ports)) is { } published)
            ports.Add(port with { Published = published });
        else
            problems.Add($"service '{service.Spec.Name}' cannot be given a port: {FreeAddresses.FirstPort} to {FreeAddresses.LastPort} are all taken; choose one yourself, or remove services");
    }

    private static string Word(PortProtocol protocol) => protocol == PortProtocol.Udp ? "udp" : protocol == PortProtocol.Sctp ? "sctp" : "tcp";
}
