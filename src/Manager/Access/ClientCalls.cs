using Berth.Identity;
using Berth.Manager.Api;
using Berth.Manager.Identity;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>Admits people and tools, and lets them go.</summary>
internal sealed class ClientCalls(IClusterView view, StoreGateway store, OwnNode own, TimeProvider time, CertificateSigner? signer = null)
    : V1.ClusterAdmin.ClusterAdminBase
{
    private const string Check = "berth cluster client ls";

    public override async Task<V1.ClientCertificate> CreateClient(V1.CreateClientRequest request, ServerCallContext context)
    {
        if (signer is null || view.Current.Trust is not { } trust)
            throw ApiErrors.Precondition("this manager is alone and has no certificate authority; run berth cluster init on its host");
        var (role, stacks, validity) = (RoleOf(request.Role), request.Stacks.ToValueList(), ValidityOf(request.ValidityNs));
        ApiErrors.ThrowIfAny([.. ClientRules.Problems(request.Name, role, stacks)]);
        // Before anything is signed: what is refused needs no certificate.
        var csr = SigningRequest.Read(request.SigningRequest.Span);
        var wished = Admission(request.Name, role, stacks, "", csr, time.GetUtcNow() + validity);
        if (ClientCommands.Admit(view.Current, wished, time.GetUtcNow()).Refusal is { } refusal)
            throw ApiErrors.From(refusal);

        using var certificate = await signer.SignAsync(
            csr, CertificateRole.Client, request.Name, validity, context.CancellationToken);
        // It is worth something only once the state knows its serial number.
        await store.ExecuteAsync<CommandResults.ClientChanged>(
            Admission(request.Name, role, stacks, certificate.SerialNumber, csr, new DateTimeOffset(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero)),
            Check, context.CancellationToken);
        return new V1.ClientCertificate
        {
            CertificatePem = certificate.ExportCertificatePem() + "\n",
            AuthorityPem = trust.RootsPem,
            Managers = { ManagerEndpoints.Of(view.Current, own.Id).Select(manager => manager.Url) },
        };
    }

    public override Task<V1.ListClientsResponse> ListClients(V1.ListClientsRequest request, ServerCallContext context) => Task.FromResult(new V1.ListClientsResponse
    {
        Clients = { view.Current.Clients.Values.OrderBy(client => client.Name, StringComparer.Ordinal).Select(ToWire) },
    });

    public override async Task<V1.RemoveClientResponse> RemoveClient(V1.RemoveClientRequest request, ServerCallContext context)
    {
        RequestLimits.Reference("name", request.Name);
        await store.ExecuteAsync<CommandResults.ClientChanged>(new Command.RemoveClient(request.Name), Check, context.CancellationToken);
        return new V1.RemoveClientResponse();
    }

    private static Command.AdmitClient Admission(string name, ClientRole role, ValueList<string> stacks, string serial, SigningRequest csr, DateTimeOffset until) =>
        new(name, role, stacks, serial, until) { KeyHash = csr.KeyHash };

    private static ClientRole RoleOf(string role) => role switch
    {
        "admin" => ClientRole.Admin,
        "deployer" => ClientRole.Deployer,
        "viewer" => ClientRole.Viewer,
        _ => throw ApiErrors.Invalid($"role: '{(role.Length > 40 ? role[..40] : role)}' is not known; write admin, deployer or viewer"),
    };

    private static TimeSpan ValidityOf(long nanoseconds)
    {
        if (nanoseconds == 0)
            return ClientRules.DefaultValidity;
        var validity = SpecMapper.FromNanoseconds(nanoseconds);
        return validity >= ClientRules.ShortestValidity && validity <= ClientRules.LongestValidity
            ? validity
            : throw ApiErrors.Invalid($"validity: {validity.TotalHours:0.####} h is not between {ClientRules.ShortestValidity.TotalMinutes:0} minute and {ClientRules.LongestValidity.TotalDays:0} days");
    }

    private static V1.Client ToWire(Client client) => new()
    {
        Name = client.Name,
        Role = client.Role.ToString().ToLowerInvariant(),
        Stacks = { client.Stacks },
        CreatedAt = client.CreatedAt.ToTimestamp(),
        ExpiresAt = client.ExpiresAt.ToTimestamp(),
        Serial = client.Serial,
    };
}
