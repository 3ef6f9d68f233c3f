using Berth.Manager.Api;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Admin;

/// <summary>What administrators ask about the cluster itself. Each call goes to the part that answers it; this one only says
/// which, and turns what parts throw into statuses.</summary>
/// <remarks>A part overrides the calls it answers and nothing else. A part that streams without end watches the host's stopping
/// itself: a manager that stops waits a second for open calls.</remarks>
internal sealed class ClusterAdminService(AdminParts parts, ILogger<ClusterAdminService> log) : V1.ClusterAdmin.ClusterAdminBase
{
    public override Task<V1.ClusterStatus> GetCluster(V1.GetClusterRequest request, ServerCallContext context) =>
        Answer(nameof(GetCluster), part => part.GetCluster(request, context), context);

    public override Task<V1.ClusterStatus> UpdateCluster(V1.UpdateClusterRequest request, ServerCallContext context) =>
        Answer(nameof(UpdateCluster), part => part.UpdateCluster(request, context), context);

    public override Task<V1.JoinToken> GetJoinToken(V1.GetJoinTokenRequest request, ServerCallContext context) =>
        Answer(nameof(GetJoinToken), part => part.GetJoinToken(request, context), context);

    public override Task<V1.ClusterStatus> RotateAuthority(V1.RotateAuthorityRequest request, ServerCallContext context) =>
        Answer(nameof(RotateAuthority), part => part.RotateAuthority(request, context), context);

    public override Task<V1.UnlockKey> GetUnlockKey(V1.GetUnlockKeyRequest request, ServerCallContext context) =>
        Answer(nameof(GetUnlockKey), part => part.GetUnlockKey(request, context), context);

    public override Task<V1.UnlockResponse> Unlock(V1.UnlockRequest request, ServerCallContext context) =>
        Answer(nameof(Unlock), part => part.Unlock(request, context), context);

    public override Task<V1.RotateDataKeysResponse> RotateDataKeys(V1.RotateDataKeysRequest request, ServerCallContext context) =>
        Answer(nameof(RotateDataKeys), part => part.RotateDataKeys(request, context), context);

    public override Task Backup(V1.BackupRequest request, IServerStreamWriter<V1.BackupChunk> responseStream, ServerCallContext context) =>
        Stream(nameof(Backup), part => part.Backup(request, responseStream, context), context);

    public override Task MigrateStore(
        V1.MigrateStoreRequest request, IServerStreamWriter<V1.MigrateProgress> responseStream, ServerCallContext context) =>
        Stream(nameof(MigrateStore), part => part.MigrateStore(request, responseStream, context), context);

    public override Task<V1.ClientCertificate> CreateClient(V1.CreateClientRequest request, ServerCallContext context) =>
        Answer(nameof(CreateClient), part => part.CreateClient(request, context), context);

    public override Task<V1.ListClientsResponse> ListClients(V1.ListClientsRequest request, ServerCallContext context) =>
        Answer(nameof(ListClients), part => part.ListClients(request, context), context);

    public override Task<V1.RemoveClientResponse> RemoveClient(V1.RemoveClientRequest request, ServerCallContext context) =>
        Answer(nameof(RemoveClient), part => part.RemoveClient(request, context), context);

    public override Task ReadAudit(V1.ReadAuditRequest request, IServerStreamWriter<V1.AuditEntry> responseStream, ServerCallContext context) =>
        Stream(nameof(ReadAudit), part => part.ReadAudit(request, responseStream, context), context);

    public override Task<V1.NodeSummary> PromoteNode(V1.ChangeRoleRequest request, ServerCallContext context) =>
        Answer(nameof(PromoteNode), part => part.PromoteNode(request, context), context);

    public override Task<V1.NodeSummary> DemoteNode(V1.ChangeRoleRequest request, ServerCallContext context) =>
        Answer(nameof(DemoteNode), part => part.DemoteNode(request, context), context);

    public override Task<V1.RemoveNodeResponse> RemoveNode(V1.RemoveNodeRequest request, ServerCallContext context) =>
        Answer(nameof(RemoveNode), part => part.RemoveNode(request, context), context);

    public override Task<V1.NodeSummary> ApproveNode(V1.ApproveNodeRequest request, ServerCallContext context) =>
        Answer(nameof(ApproveNode), part => part.ApproveNode(request, context), context);

    public override Task CollectDebug(V1.CollectDebugRequest request, IServerStreamWriter<V1.DebugPart> responseStream, ServerCallContext context) =>
        Stream(nameof(CollectDebug), part => part.CollectDebug(request, responseStream, context), context);

    public override Task ReadMetrics(V1.ReadMetricsRequest request, IServerStreamWriter<V1.DebugPart> responseStream, ServerCallContext context) =>
        Stream(nameof(ReadMetrics), part => part.ReadMetrics(request, responseStream, context), context);

    private Task<T> Answer<T>(string call, Func<V1.ClusterAdmin.ClusterAdminBase, Task<T>> ask, ServerCallContext context) =>
        ApiErrors.Guard(() => ask(parts.For(call)), context, log);

    private Task Stream(string call, Func<V1.ClusterAdmin.ClusterAdminBase, Task> ask, ServerCallContext context) =>
        ApiErrors.Guard(() => ask(parts.For(call)), context, log);
}
