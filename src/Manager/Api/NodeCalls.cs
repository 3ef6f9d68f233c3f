using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Calls about nodes.</summary>
internal sealed class NodeCalls(IClusterView view, StoreGateway store)
{
    public V1.ListNodesResponse List()
    {
        var state = view.Current;
        return new V1.ListNodesResponse
        {
            Nodes =
            {
                state.Nodes.Values
                    .OrderBy(node => node.Description.Hostname, StringComparer.Ordinal).ThenBy(node => node.Id)
                    .Select(node => Summary(state, node)),
            },
        };
    }

    public V1.NodeSummary Get(V1.GetNodeRequest request)
    {
        RequestLimits.Reference("node", request.Node);
        var state = view.Current;
        return Summary(state, References.Node(state, request.Node).OrThrow());
    }

    public async Task<V1.NodeSummary> UpdateAsync(V1.UpdateNodeRequest request, CancellationToken cancellation)
    {
        RequestLimits.NodeChange(request);
        var command = new Command.UpdateNode(
            request.Node,
            request.HasAvailability ? (NodeAvailability)request.Availability : null,
            ValueMap.From(request.LabelsAdd),
            request.LabelsRemove.ToValueList());
        var (_, changed) = await store.ExecuteAsync<CommandResults.NodeChanged>(
            command, $"berth node inspect {request.Node}", cancellation);
        var state = view.Current;
        return state.Nodes.TryGetValue(changed.Node, out var node)
            ? Summary(state, node)
            : throw ApiErrors.NotFound($"node {changed.Node} was changed, and removed since");
    }

    private static V1.NodeSummary Summary(ClusterState state, Node node)
    {
        var running = 0;
        var reserved = default(Resources);
        foreach (var task in state.TasksOn(node.Id))
        {
            if (state.CountsAsRunning(task))
                running++;
            if (!task.State.IsTerminal())
                reserved += task.Spec.Resources.Reservations;
        }
        return new V1.NodeSummary { Node = node.ToWire(), TasksRunning = running, Reserved = reserved.ToWire() };
    }
}
