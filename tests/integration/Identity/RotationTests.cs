using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Protocol.V1;
using Grpc.Core;
using CertificateRole = Berth.Identity.CertificateRole;
using JoinToken = Berth.Identity.JoinToken;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Identity;

/// <summary>Authorities: rotated while sessions are open, given by an administrator, outside the cluster, and false ones.</summary>
public sealed class RotationTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task An_authority_is_rotated_while_sessions_go_on()
    {
        await using var manager = await ClusterManager.StartAsync();
        var before = await manager.TokenAsync();
        var members = new[] { await manager.JoinAsync(before), await manager.JoinAsync(before) };
        using var stop = new CancellationTokenSource();
        var agents = members.Select(member => AgentAsync(manager, member, stop.Token)).ToArray();

        var status = await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest());
        Assert.True(status.Authority.Rotating);
        await RotatedAsync(manager);

        var after = await manager.TokenAsync();
        Assert.NotEqual(before.AuthorityDigest, after.AuthorityDigest);
        Assert.Equal(before.Secret.ToArray(), after.Secret.ToArray());
        // The earlier authority is trusted no more: its token leads nowhere, the new one does.
        await Assert.ThrowsAsync<AuthenticationException>(() => manager.JoinAsync(before));
        await manager.JoinAsync(after);
        // The sessions that were open all the time still are, and new ones begin with the new certificates.
        Assert.All(agents, agent => Assert.False(agent.IsCompleted, agent.Exception?.ToString()));
        await stop.CancelAsync();
        await Task.WhenAll(agents);
        foreach (var member in members)
        {
            Assert.Equal(after.AuthorityDigest, JoinToken.DigestOf(Assert.Single(member.Tls.Roots)));
            using var again = await manager.SessionAsync(member);
        }
    }

    [Fact]
    public async Task A_clients_certificate_outlives_a_rotation_unless_it_is_revoked()
    {
        await using var manager = await ClusterManager.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var given = await manager.Admin.CreateClientAsync(new CreateClientRequest
        {
            Name = "ann",
            Role = "viewer",
            SigningRequest = Google.Protobuf.ByteString.CopyFrom(SigningRequest.Make(key, "ann")),
        });
        var ann = new TlsIdentity(ProcessIdentity.Read(given.CertificatePem, key.ExportPkcs8PrivateKeyPem(), given.AuthorityPem), TimeProvider.System);

        await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest());
        await RotatedAsync(manager);
        // It shows an authority that ann does not know, for which the one she knows vouches.
        await Assert.ThrowsAsync<RpcException>(() => ReadAs(manager, ann));
        ann.Trust((await LearnAsync(manager, ann))!);
        await ReadAs(manager, ann);
        // The earlier authority is good for clients alone.
        Assert.NotNull((await manager.Admin.GetClusterAsync(new GetClusterRequest())).Authority.EarlierClientsUntil);

        await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest { CutClients = true });
        await RotatedAsync(manager);
        Assert.Null(await LearnAsync(manager, ann));
        ann.Trust(Pem.Many((await Enrolling(manager).GetTrustAsync(new GetTrustRequest())).AuthorityPem, "trust"));
        using var deadline = new CancellationTokenSource(Deadline);
        // Managers look once a second whom they trust.
        while (await CanRead(manager, ann))
            await Task.Delay(100, deadline.Token);
    }

    private static async Task<X509Certificate2Collection?> LearnAsync(ClusterManager manager, TlsIdentity client)
    {
        var trust = await Enrolling(manager).GetTrustAsync(new GetTrustRequest());
        return Berth.Identity.AuthorityEndorsement.Follow(
            client.Roots, Pem.Many(trust.AuthorityPem, "trust"), trust.EarlierPem.Length > 0 ? Pem.Many(trust.EarlierPem, "trust") : [],
            trust.Endorsements.Select(word => new Berth.Identity.AuthorityEndorsement(word.By, word.Of, word.Signature)), TimeProvider.System.GetUtcNow());
    }

    private static Enrollment.EnrollmentClient Enrolling(ClusterManager manager) => new(manager.Dial(Joining.TrustingNobody()));

    private static async Task ReadAs(ClusterManager manager, TlsIdentity client) =>
        await new Control.ControlClient(manager.Dial(client.ForClient(CertificateRole.Manager))).ListNodesAsync(new ListNodesRequest());

    private static async Task<bool> CanRead(ClusterManager manager, TlsIdentity client)
    {
        try
        {
            await ReadAs(manager, client);
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    [Fact]
    public async Task A_member_that_is_away_holds_a_rotation_up_until_it_is_removed()
    {
        await using var manager = await ClusterManager.StartAsync();
        var away = await manager.JoinAsync(await manager.TokenAsync());
        await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest());
        await Task.Delay(TimeSpan.FromSeconds(4));

        var status = await manager.Admin.GetClusterAsync(new GetClusterRequest());
        Assert.True(status.Authority.Rotating);
        Assert.Equal($"host-{away.Node.ToString()[..6]}", Assert.Single(status.Authority.NodesToRenew));
        await Assert.ThrowsAsync<RpcException>(async () => await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest()));
        await manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { away.Node.ToString() }, Force = true });
        await RotatedAsync(manager);
    }

    [Fact]
    public async Task An_administrators_own_authority_is_taken_and_a_wrong_one_refused()
    {
        await using var manager = await ClusterManager.StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        var cluster = (await manager.JoinAsync(await manager.TokenAsync())).First.Subject.Cluster;
        using var own = CertificateAuthority.Create(cluster, now, TimeSpan.FromDays(400));
        using var other = CertificateAuthority.Create(cluster, now, TimeSpan.FromDays(400));
        using var brief = CertificateAuthority.Create(cluster, now, TimeSpan.FromHours(2));

        foreach (var (certificate, key, says) in new[]
        {
            (own.CertificatePem, other.KeyPem, "not the one of its certificate"),
            (own.CertificatePem, "", "key is missing"),
            (brief.CertificatePem, brief.KeyPem, "too short"),
            ("hello", own.KeyPem, "PEM"),
        })
        {
            var error = await Assert.ThrowsAsync<RpcException>(
                async () => await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest { CertificatePem = certificate, KeyPem = key }));
            Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
            Assert.Contains(says, error.Status.Detail);
        }
        // The one member that never comes back would hold it up.
        foreach (var node in (await manager.Process.Client.ListNodesAsync(new ListNodesRequest())).Nodes.Where(node => node.Node.Spec.Role == NodeRole.Worker))
            await manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { node.Node.Id }, Force = true });
        await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest { CertificatePem = own.CertificatePem, KeyPem = own.KeyPem });
        await RotatedAsync(manager);
        Assert.Equal(JoinToken.DigestOf(own.Certificate), (await manager.TokenAsync()).AuthorityDigest);
        Assert.DoesNotContain("PRIVATE KEY", manager.Process.Said);
    }

    [Fact]
    public async Task A_man_in_the_middle_learns_no_secret()
    {
        await using var manager = await ClusterManager.StartAsync();
        var token = await manager.TokenAsync();
        var trust = await new Enrollment.EnrollmentClient(manager.Dial(Joining.TrustingNobody())).GetTrustAsync(new GetTrustRequest());

        // One that shows its own authority fails at the digest; one that repeats the true one cannot answer as it.
        await using var honest = await FalseManager.StartAsync(null);
        await using var repeating = await FalseManager.StartAsync(trust.AuthorityPem);
        await Assert.ThrowsAsync<AuthenticationException>(() => JoinAt(honest, token));
        await Assert.ThrowsAsync<RpcException>(() => JoinAt(repeating, token));
        Assert.Equal((1, 1, 0, 0), (honest.Asked, repeating.Asked, honest.Enrolled, repeating.Enrolled));
    }

    [Fact]
    public async Task An_authority_outside_signs_and_what_it_signs_wrongly_is_refused()
    {
        await using var manager = await ClusterManager.StartAsync();
        var cluster = Berth.Model.ClusterId.Parse((await manager.Admin.GetClusterAsync(new GetClusterRequest())).Id);
        await using var outside = await SigningServer.StartAsync(cluster);
        await manager.Admin.UpdateClusterAsync(new UpdateClusterRequest { ExternalAuthority = outside.Url });
        // Whose key is not here signs from the second step of the rotation on; until then the cluster's own does.
        await manager.Admin.RotateAuthorityAsync(new RotateAuthorityRequest { CertificatePem = outside.Authority.CertificatePem });
        await RotatedAsync(manager);
        await Assert.ThrowsAsync<RpcException>(async () => await manager.Admin.UpdateClusterAsync(new UpdateClusterRequest { ExternalAuthority = "" }));

        var member = await manager.JoinAsync(await manager.TokenAsync());
        Assert.True(outside.Signed > 0);
        using var session = await manager.SessionAsync(member);

        outside.Lies = true;
        var error = await Assert.ThrowsAsync<RpcException>(async () => await manager.JoinAsync(await manager.TokenAsync()));
        Assert.Contains("signed something else", error.Status.Detail);
        outside.Refuses = true;
        error = await Assert.ThrowsAsync<RpcException>(async () => await manager.JoinAsync(await manager.TokenAsync()));
        Assert.Contains("policy says no", error.Status.Detail);
    }

    private static async Task<Protocol.V1.Identity> JoinAt(FalseManager at, JoinToken token)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return await Joining.JoinAsync(
            token, new Joiner(ClusterManager.NewNode(), "victim", "127.0.0.1", CertificateRole.Worker), key, at.Dial, TimeProvider.System, CancellationToken.None);
    }

    private static async Task RotatedAsync(ClusterManager manager)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while ((await manager.Admin.GetClusterAsync(new GetClusterRequest())).Authority is { Rotating: true } status)
        {
            Assert.False(deadline.IsCancellationRequested, $"still rotating: {status}\n{manager.Process.Said}");
            await Task.Delay(100);
        }
    }

    // An agent as far as identities go: it stores whom to trust before it says so, and renews when told.
    private static async Task AgentAsync(ClusterManager manager, Member member, CancellationToken cancellation)
    {
        using var session = await manager.SessionAsync(member);
        try
        {
            while (await session.ResponseStream.MoveNext(cancellation))
            {
                if (session.ResponseStream.Current.Trust is not { } trust)
                    continue;
                member.Tls.Trust(Pem.Many(trust.AuthorityPem, "trust"));
                if (trust.RenewNow)
                    await manager.RenewAsync(member);
            }
            throw new InvalidOperationException("the session ended");
        }
        catch (Exception error) when (cancellation.IsCancellationRequested && error is RpcException or OperationCanceledException)
        {
            // The test is over.
        }
    }
}
