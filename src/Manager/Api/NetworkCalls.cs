using Berth.Manager.Store;
using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Calls about networks.</summary>
internal sealed class NetworkCalls(IClusterView view, StoreGateway store)
{
    public async Task<V1.NetworkSummary> CreateAsync(V1.CreateNetworkRequest request, CancellationToken cancellation)
    {
        var spec = RequestLimits.Network(request.Spec).ToModel();
        var (_, changed) = await store.ExecuteAsync<CommandResults.NetworksChanged>(
            new Command.CreateNetwork(spec), $"berth network inspect {spec.Name}", cancellation);
        var state = view.Current;
        return state.Networks.TryGetValue(changed.Networks[0], out var network)
            ? Summary(state, network)
            : throw ApiErrors.NotFound($"network '{spec.Name}' was made, and removed since");
    }

    public async Task<V1.RemoveNetworksResponse> RemoveAsync(V1.RemoveNetworksRequest request, CancellationToken cancellation)
    {
        RequestLimits.References("networks", request.Networks);
        await store.ExecuteAsync<CommandResults.NetworksChanged>(new Command.RemoveNetworks(request.Networks.ToValueList()), "berth network ls", cancellation);
        return new V1.RemoveNetworksResponse();
    }

    // A list says who is in a network, and not where each of its tasks is.
    public V1.ListNetworksResponse List()
    {
        var state = view.Current;
        return new V1.ListNetworksResponse
        {
            Networks =
            {
                state.Networks.Values.OrderBy(network => network.Spec.Name, StringComparer.Ordinal).Select(network => new V1.NetworkSummary
                {
                    Network = network.ToWire(),
                    Vips = AddressPlan.Vips(network.Subnet).ToString(),
                    Services = { Services(state, network, withTasks: false) },
                    Nodes = { Members(state, network) },
                }),
            },
        };
    }

    public V1.NetworkSummary Get(V1.GetNetworkRequest request)
    {
        RequestLimits.Reference("network", request.Network);
        var state = view.Current;
        return Summary(state, References.Network(state, request.Network).OrThrow());
    }

    private static V1.NetworkSummary Summary(ClusterState state, Network network) => new()
    {
        Network = network.ToWire(),
        Vips = AddressPlan.Vips(network.Subnet).ToString(),
        Services = { Services(state, network, withTasks: true) },
        Nodes = { Members(state, network) },
        FreeSlices = Slicing.FreeBlocks(state, network),
    };

    private static IEnumerable<V1.NetworkService> Services(ClusterState state, Network network, bool withTasks) =>
        state.ServicesIn(network.Id).OrderBy(service => service.Spec.Name, StringComparer.Ordinal).Select(service => new V1.NetworkService
        {
            Id = service.Id.ToString(),
            Name = service.Spec.Name,
            Address = service.Endpoint.VirtualAddresses.FirstOrDefault(vip => vip.Network == network.Id)?.Address.ToString() ?? "",
            Tasks = { withTasks ? Tasks(state, service, network.Id) : [] },
        });

    private static IEnumerable<V1.NetworkTask> Tasks(ClusterState state, Service service, NetworkId network) =>
        from task in state.TasksOf(service.Id)
        where !task.State.IsTerminal() && task.NodeId is not null
        from address in task.Status.Addresses
        where address.Network == network
        orderby task.Slot, task.Id
        select new V1.NetworkTask
        {
            Id = task.Id.ToString(),
            Name = task.Slot > 0 ? $"{service.Spec.Name}.{task.Slot}" : $"{service.Spec.Name}.{task.NodeId}",
            Address = address.Address.ToString(),
            NodeHostname = state.Nodes.TryGetValue(task.NodeId!.Value, out var node) ? node.Description.Hostname : "",
        };

    private static IEnumerable<V1.NetworkMember> Members(ClusterState state, Network network) =>
        from node in state.Nodes.Values
        let slices = node.Slices.Where(slice => slice.Network == network.Id).Select(slice => slice.Prefix.ToString()).ToList()
        where slices.Count > 0
        orderby node.Number
        select new V1.NetworkMember { Id = node.Id.ToString(), Hostname = node.Description.Hostname, Underlay = node.Description.Address, Slices = { slices } };
}
