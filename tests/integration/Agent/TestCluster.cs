using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using CertificateRole = Berth.Identity.CertificateRole;
using JoinToken = Berth.Identity.JoinToken;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Agent;

/// <summary>What the test's managers have in common: an authority, a token, tasks.</summary>
public sealed class TestCluster : IDisposable
{
    private readonly CertificateAuthority _authority;

    public TestCluster()
    {
        _authority = CertificateAuthority.Create(Cluster, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1));
        Token = JoinToken.For(_authority.Certificate, JoinToken.NewSecret());
    }

    public ClusterId Cluster { get; } = new(IdSource.Random.Next());

    public JoinToken Token { get; }

    /// <summary>How long certificates of agents are valid.</summary>
    public TimeSpan Validity { get; set; } = TimeSpan.FromHours(1);

    public List<TestManager> Managers { get; } = [];

    /// <summary>Nodes that may renew a certificate which has expired.</summary>
    public ConcurrentDictionary<string, bool> Approved { get; } = new();

    public ConcurrentDictionary<string, (Assignment Assignment, ServiceTemplate Template)> Assigned { get; } = new();

    public string AuthorityPem => _authority.CertificatePem;

    public async Task StartAsync(int managers)
    {
        for (var at = 0; at < managers; at++)
        {
            Managers.Add(new TestManager("", this));
            await Managers[at].StartAsync();
        }
    }

    /// <summary>A manager's identity, as it would have enrolled.</summary>
    public TlsIdentity IdentityOf(NodeId node)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = _authority.Sign(
            SigningRequest.Read(SigningRequest.Make(key, "m")), Cluster, CertificateRole.Manager, node.ToString(), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        return new TlsIdentity(ProcessIdentity.From(certificate, key, [_authority.Certificate]), TimeProvider.System);
    }

    public Protocol.V1.Identity Sign(ReadOnlySpan<byte> request, string node) => new()
    {
        ClusterId = Cluster.ToString(),
        CertificatePem = _authority.Sign(SigningRequest.Read(request), Cluster, CertificateRole.Worker, node, TimeProvider.System.GetUtcNow(), Validity).ExportCertificatePem(),
        AuthorityPem = AuthorityPem,
        Role = Protocol.V1.NodeRole.Worker,
        Managers = { Managers.Select(manager => manager.Endpoint) },
    };

    public string Wish(string? token = null) =>
        $$"""{"token":"{{token ?? Token.Format()}}","managers":["{{Managers[0].Endpoint.Url}}"],"address":"127.0.0.1"}""";

    public void Dispose() => _authority.Dispose();
}

/// <summary>Signs for whoever has the token, and for whoever has a certificate.</summary>
public sealed class TestEnrollment(TestCluster cluster) : Enrollment.EnrollmentBase
{
    public override Task<Trust> GetTrust(GetTrustRequest request, ServerCallContext context) =>
        Task.FromResult(new Trust { AuthorityPem = cluster.AuthorityPem });

    public override Task<Protocol.V1.Identity> Enroll(EnrollRequest request, ServerCallContext context)
    {
        if (!JoinToken.Parse(request.Token).Equals(cluster.Token))
            throw new RpcException(new Status(StatusCode.PermissionDenied, "the token's secret is not this cluster's"));
        return Task.FromResult(cluster.Sign(request.SigningRequest.Span, request.NodeId));
    }

    public override Task<Protocol.V1.Identity> Renew(RenewRequest request, ServerCallContext context)
    {
        var certificate = context.GetHttpContext().Connection.ClientCertificate!;
        Assert.True(NodeCertificate.TryRead(certificate, out var subject, out _));
        if (!subject.IsValidAt(TimeProvider.System.GetUtcNow()) && !cluster.Approved.ContainsKey(subject.Name))
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"approve it with: berth node approve {subject.Name}"));
        return Task.FromResult(cluster.Sign(request.SigningRequest.Span, subject.Name));
    }
}

internal static class TestTls
{
    /// <summary>Listens as managers do: anybody may shake hands, who has a certificate proves it.</summary>
    public static void ListenLocalhost(this KestrelServerOptions kestrel, int port, TlsIdentity identity) =>
        kestrel.Listen(System.Net.IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(identity.ForServer(requireClientCertificate: false, allowExpired: true)),
            });
        });
}
