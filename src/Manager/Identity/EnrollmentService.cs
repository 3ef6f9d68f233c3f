using System.Net;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Manager.Api;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Identity;

/// <summary>Where hosts come to have an identity: for a token, and later for the certificate they have. Answered by the leader.</summary>
internal sealed class EnrollmentService(
    IClusterView view, StoreGateway store, CertificateSigner signer, TlsIdentity tls, TokenAttempts attempts, RowKeys keys, TimeProvider time,
    ILogger<EnrollmentService> log) : V1.Enrollment.EnrollmentBase
{
    /// <inheritdoc/>
    public override Task<V1.Trust> GetTrust(V1.GetTrustRequest request, ServerCallContext context)
    {
        var trust = TrustOf(view.Current);
        return Task.FromResult(new V1.Trust
        {
            AuthorityPem = trust.RootsPem,
            EarlierPem = trust.RetiredPem,
            Endorsements = { trust.Endorsements.Select(word => new V1.AuthorityEndorsement { By = word.By, Of = word.Of, Signature = word.Signature }) },
        });
    }

    /// <inheritdoc/>
    public override Task<V1.Identity> Enroll(V1.EnrollRequest request, ServerCallContext context) =>
        ApiErrors.Guard(() => EnrollAsync(request, context), context, log);

    /// <inheritdoc/>
    public override Task<V1.Identity> Renew(V1.RenewRequest request, ServerCallContext context) =>
        ApiErrors.Guard(() => RenewAsync(request, context), context, log);

    private async Task<V1.Identity> EnrollAsync(V1.EnrollRequest request, ServerCallContext context)
    {
        var state = view.Current;
        var role = RoleOf(TrustOf(state), request.Token, PresentedCertificate.AddressOf(context));
        var id = NodeId.Parse(request.NodeId);
        var certificateRole = request.CertificateRole == V1.NodeRole.Manager ? CertificateRole.Manager : CertificateRole.Worker;
        if (HostRules.NameProblem(request.Hostname) is { } wrongName)
            throw ApiErrors.Invalid(wrongName);
        if (!IPAddress.TryParse(request.Address, out _) && !IPEndPoint.TryParse(request.Address, out _))
            throw ApiErrors.Invalid($"address: '{request.Address}' is not an IP address; say where other hosts reach this one");
        var csr = SigningRequest.Read(request.SigningRequest.Span);
        if (IdentityCommands.AdmissionProblem(state, id, role, certificateRole, csr.KeyHash) is { } refused)
            throw Refuse(refused, id, context);

        using var certificate = await signer.SignAsync(
            csr, certificateRole, id.ToString(), state.Settings.CertificateValidity, context.CancellationToken);
        // Nobody has seen the certificate yet: it exists once the cluster knows of it.
        await store.ExecuteAsync<CommandResults.NodeChanged>(
            new Command.AdmitNode(id, role, certificateRole, request.Hostname, request.Address, Held(certificate, csr, "")),
            "berth node ls", context.CancellationToken);
        log.LogInformation(
            "Node {Node} ({Hostname}, {Address}) joined with the {Role} token and has a {Certificate}'s certificate",
            id, request.Hostname, request.Address, role, NodeCertificate.WordOf(certificateRole));
        var answer = Answer(id, certificate);
        if (certificateRole == CertificateRole.Manager)
            answer.DataKeys = keys.Ring.ToWire();
        return answer;
    }

    private async Task<V1.Identity> RenewAsync(V1.RenewRequest request, ServerCallContext context)
    {
        var present = PresentedCertificate.Of(context)
            ?? throw new RpcException(new Status(StatusCode.Unauthenticated, "a renewal needs the present certificate on the connection"));
        if (tls.ProblemOf(present, null, allowExpired: true) is { } untrusted)
            throw new RpcException(new Status(StatusCode.Unauthenticated, $"the present certificate is not accepted: {untrusted}"));
        if (!NodeCertificate.TryRead(present, out var subject, out var unread))
            throw new RpcException(new Status(StatusCode.Unauthenticated, $"the present certificate cannot be read: {unread}"));
        if (subject.NodeId is not { } id)
            throw ApiErrors.Precondition("a client's certificate is not renewed; an administrator makes another: berth cluster client create");
        var csr = SigningRequest.Read(request.SigningRequest.Span);
        if (csr.KeyHash != NodeCertificate.KeyHash(present))
            throw ApiErrors.Invalid("the signing request is for another key than the present certificate; a node keeps its key");

        var isExpired = time.GetUtcNow() > subject.NotAfter;
        var state = view.Current;
        if (IdentityCommands.RenewalProblem(state, id, subject.Role, csr.KeyHash, isExpired) is { } refused)
        {
            if (NodeAdmission.Problem(state, id, subject.Role, csr.KeyHash) is null)
                await store.ExecuteAsync<CommandResults.NodeChanged>(new Command.AskApproval(id), "berth node ls", context.CancellationToken);
            throw Refuse(refused, id, context);
        }
        using var certificate = await signer.SignAsync(
            csr, subject.Role, id.ToString(), state.Settings.CertificateValidity, context.CancellationToken);
        await store.ExecuteAsync<CommandResults.NodeChanged>(
            new Command.RenewCertificate(id, subject.Role, Held(certificate, csr, HeldCertificate.Saying(request.Trusted)), isExpired),
            "berth node ls", context.CancellationToken);
        return Answer(id, certificate);
    }

    // Both secrets are compared, in full, whichever is right.
    private NodeRole RoleOf(ClusterTrust trust, string text, string address)
    {
        var token = JoinToken.Parse(text);
        var isWorker = token.HasSecret(Convert.FromHexString(trust.WorkerSecret));
        var isManager = token.HasSecret(Convert.FromHexString(trust.ManagerSecret));
        if (isWorker || isManager)
            return isManager ? NodeRole.Manager : NodeRole.Worker;
        // Whoever has the right one is never kept waiting by somebody who tries.
        if (attempts.MustWait(address))
        {
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted, $"too many wrong join tokens came from {address}; try again in {TokenAttempts.Window.TotalMinutes:0} minute"));
        }
        attempts.Wrong(address);
        log.LogWarning("A host at {Address} tried to join with a token that is worth nothing ({Token})", address, token);
        throw new RpcException(new Status(
            StatusCode.PermissionDenied,
            "the join token is worth nothing: it was rotated, or is another cluster's. Get the present one on a manager: berth cluster token worker"));
    }

    private V1.Identity Answer(NodeId id, X509Certificate2 certificate)
    {
        var state = view.Current;
        var answer = new V1.Identity
        {
            ClusterId = state.ClusterId?.ToString() ?? "",
            CertificatePem = certificate.ExportCertificatePem() + "\n",
            AuthorityPem = TrustOf(state).RootsPem,
            Role = state.Nodes.TryGetValue(id, out var node) ? (V1.NodeRole)node.Spec.Role : V1.NodeRole.Worker,
        };
        foreach (var (manager, url) in ManagerEndpoints.Of(state))
            answer.Managers.Add(new V1.ManagerEndpoint { NodeId = manager.ToString(), Url = url });
        return answer;
    }

    private HeldCertificate Held(X509Certificate2 certificate, SigningRequest csr, string trusts) => new(
        csr.KeyHash, certificate.SerialNumber, new DateTimeOffset(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero),
        TrustOf(view.Current).Signing.Digest, trusts);

    private RpcException Refuse(StoreProtocol.Refused refused, NodeId id, ServerCallContext context)
    {
        log.LogWarning(
            "Node {Node} at {Address} was refused a certificate: {Reason}", id, PresentedCertificate.AddressOf(context), refused.Message);
        return ApiErrors.From(refused);
    }

    private static ClusterTrust TrustOf(ClusterState state) => state.Trust
        ?? throw new RpcException(new Status(StatusCode.Unavailable, "this manager has no certificate authority yet; try again in a moment"));
}
