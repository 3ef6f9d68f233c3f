using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Members;

/// <summary>What administrators ask about who is a manager.</summary>
internal sealed class MemberAdmin(IClusterView view, StoreGateway store, NodeCalls nodes, MembersCoordinator members) : V1.ClusterAdmin.ClusterAdminBase
{
    private const int MostNodes = 100;

    /// <inheritdoc/>
    public override async Task<V1.NodeSummary> PromoteNode(V1.ChangeRoleRequest request, ServerCallContext context)
    {
        NodeId last = default;
        foreach (var text in Checked(request))
            last = await SetAsync(text, NodeRole.Manager, context.CancellationToken);
        return nodes.Get(new V1.GetNodeRequest { Node = last.ToString() });
    }

    /// <inheritdoc/>
    public override async Task<V1.NodeSummary> DemoteNode(V1.ChangeRoleRequest request, ServerCallContext context)
    {
        NodeId last = default;
        foreach (var text in Checked(request))
        {
            last = References.Node(view.Current, text).OrThrow().Id;
            var node = last.ToString();
            await members.DemoteAsync(last, request.Force, () => SetAsync(node, NodeRole.Worker, CancellationToken.None), context.CancellationToken);
        }
        return nodes.Get(new V1.GetNodeRequest { Node = last.ToString() });
    }

    /// <inheritdoc/>
    public override async Task MigrateStore(V1.MigrateStoreRequest request, IServerStreamWriter<V1.MigrateProgress> responseStream, ServerCallContext context)
    {
        await responseStream.WriteAsync(new V1.MigrateProgress { Message = $"moving the state from {members.Kind} to {request.Store}; commands wait meanwhile" });
        try
        {
            await members.MigrateAsync(request.Store, request.Postgres, context.CancellationToken);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or FormatException)
        {
            throw ApiErrors.Precondition($"the state stays in {members.Kind}: {error.Message}");
        }
        await responseStream.WriteAsync(new V1.MigrateProgress { Message = $"the state is in {members.Kind}", Done = true });
    }

    private async Task<NodeId> SetAsync(string node, NodeRole role, CancellationToken cancellation)
    {
        var (_, changed) = await store.ExecuteAsync<CommandResults.NodeChanged>(new Command.SetNodeRole(node, role), "berth node ls", cancellation);
        return changed.Node;
    }

    private static Google.Protobuf.Collections.RepeatedField<string> Checked(V1.ChangeRoleRequest request)
    {
        if (request.Nodes.Count is 0 or > MostNodes)
            throw ApiErrors.Invalid($"nodes has {request.Nodes.Count} entries; name 1 to {MostNodes}");
        foreach (var node in request.Nodes)
            RequestLimits.Reference("nodes", node);
        return request.Nodes;
    }
}
