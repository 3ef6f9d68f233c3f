using Berth.Manager.Leadership;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Members;

/// <summary>Answers managers that ask for their share of the store. Who may call is decided before; the leader answers.</summary>
internal sealed class MembersService(MembersCoordinator members, ILeadership leadership) : V1.Members.MembersBase
{
    /// <inheritdoc/>
    public override async Task<V1.StoreTicket> GetStore(V1.GetStoreRequest request, ServerCallContext context)
    {
        if (!NodeId.TryParse(request.NodeId, out var node))
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"'{request.NodeId}' is no node id"));
        if (!leadership.IsLeading)
            throw new RpcException(new Status(StatusCode.Unavailable, "this manager does not lead; ask again"));
        try
        {
            return await members.AdmitAsync(request, node, context.CancellationToken);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or TimeoutException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, error.Message));
        }
    }
}
