using Berth.Identity;
using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Identity;

/// <summary>What administrators ask about tokens, the authority, and who belongs to the cluster.</summary>
internal sealed class IdentityAdmin(
    IClusterView view, StoreGateway store, NodeCalls nodes, ClusterReport report, OwnNode own, TimeProvider time) : V1.ClusterAdmin.ClusterAdminBase
{
    private const int MostNodes = 1_000;

    /// <inheritdoc/>
    public override async Task<V1.JoinToken> GetJoinToken(V1.GetJoinTokenRequest request, ServerCallContext context)
    {
        var role = request.Role == V1.NodeRole.Manager ? NodeRole.Manager : NodeRole.Worker;
        if (request.Rotate)
        {
            await store.ExecuteAsync<CommandResults.TrustIs>(
                new Command.RotateToken(role, Convert.ToHexStringLower(JoinToken.NewSecret())), $"berth cluster token {role.ToString().ToLowerInvariant()}", context.CancellationToken);
        }
        var state = view.Current;
        var trust = state.Trust ?? throw ApiErrors.Precondition(
            "this manager is alone: it has no token, as it listens on its own socket only; run berth cluster init on its host");
        var authority = Pem.One(trust.Signing.CertificatePem, "the authority's certificate");
        return new V1.JoinToken
        {
            Token = JoinToken.For(authority, Convert.FromHexString(trust.SecretOf(role))).Format(),
            Managers = { ManagerEndpoints.Of(state, own.Id).Select(manager => manager.Url) },
        };
    }

    /// <inheritdoc/>
    public override async Task<V1.ClusterStatus> RotateAuthority(V1.RotateAuthorityRequest request, ServerCallContext context)
    {
        await store.ExecuteAsync<CommandResults.TrustIs>(
            Rotation(request), "berth cluster status", context.CancellationToken);
        return report.Of(view.Current);
    }

    /// <inheritdoc/>
    public override async Task<V1.RemoveNodeResponse> RemoveNode(V1.RemoveNodeRequest request, ServerCallContext context)
    {
        if (request.Nodes.Count is 0 or > MostNodes)
            throw ApiErrors.Invalid($"nodes has {request.Nodes.Count} entries; name 1 to {MostNodes}");
        foreach (var node in request.Nodes)
            RequestLimits.Reference("nodes", node);
        await store.ExecuteAsync<CommandResults.NodesRemoved>(
            new Command.RemoveNodes(request.Nodes.ToValueList(), request.Force), "berth node ls", context.CancellationToken);
        return new V1.RemoveNodeResponse();
    }

    /// <inheritdoc/>
    public override async Task<V1.NodeSummary> ApproveNode(V1.ApproveNodeRequest request, ServerCallContext context)
    {
        RequestLimits.Reference("node", request.Node);
        var (_, approved) = await store.ExecuteAsync<CommandResults.NodeChanged>(
            new Command.ApproveNode(request.Node), "berth node ls", context.CancellationToken);
        return nodes.Get(new V1.GetNodeRequest { Node = approved.Node.ToString() });
    }

    private Command.RotateAuthority Rotation(V1.RotateAuthorityRequest request)
    {
        if (request.CutClients && view.Current.Level < Protocol.ReleaseLevel.ClientsOutliveRotations)
            throw ApiErrors.Precondition("clients cannot be cut yet: their certificates end with every rotation until all managers are of this release; upgrade all managers first, or leave --revoke-clients out");
        var next = Read(request);
        if (request.CutClients || view.Current.Trust is not { Signing: { KeyPem.Length: > 0 } present })
            return new Command.RotateAuthority(next) { CutsClients = request.CutClients };
        using var authority = CertificateAuthority.Read(present.CertificatePem, present.KeyPem);
        using var certificate = Pem.One(next.CertificatePem, "the authority's certificate");
        return new Command.RotateAuthority(next) { Endorsement = AuthorityEndorsement.Make(authority, certificate) };
    }

    private AuthorityRecord Read(V1.RotateAuthorityRequest request)
    {
        if (request is { CertificatePem.Length: 0, KeyPem.Length: 0 })
        {
            var cluster = view.Current.ClusterId ?? throw ApiErrors.Unavailable("the cluster has no id yet; try again in a moment");
            using var made = CertificateAuthority.Create(cluster, time.GetUtcNow(), CertificateAuthority.DefaultValidity);
            return new AuthorityRecord(made.CertificatePem, made.KeyPem);
        }
        if (request.KeyPem.Length == 0)
        {
            var certificate = Pem.One(request.CertificatePem, "the authority's certificate");
            return CertificateAuthority.Problem(certificate) is { } problem
                ? throw ApiErrors.Invalid(problem)
                : new AuthorityRecord(certificate.ExportCertificatePem(), "");
        }
        using var given = CertificateAuthority.Read(request.CertificatePem, request.KeyPem);
        return new AuthorityRecord(given.CertificatePem, given.KeyPem);
    }
}

/// <summary>The node id of this manager's host; null where a manager is alone.</summary>
public sealed record OwnNode(NodeId? Id);
