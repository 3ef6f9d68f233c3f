using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using CertificateRole = Berth.Identity.CertificateRole;
using JoinToken = Berth.Identity.JoinToken;
using NodeRole = Berth.Protocol.V1.NodeRole;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Identity;

/// <summary>Joining, renewing and being refused, against a real manager over real TLS.</summary>
public sealed class EnrollmentTests(EnrollmentTests.Fixture fixture) : IClassFixture<EnrollmentTests.Fixture>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private ClusterManager Manager => fixture.Manager;

    [Fact]
    public async Task A_host_joins_with_its_token_and_holds_a_session()
    {
        var member = await Manager.JoinAsync(await Manager.TokenAsync());
        Assert.Equal(CertificateRole.Worker, member.First.Subject.Role);
        Assert.InRange(member.First.Subject.NotAfter - TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(23), TimeSpan.FromHours(25));
        using var session = await Manager.SessionAsync(member);

        await Manager.RenewAsync(member);
        Assert.NotEqual(member.First.Subject.Serial, member.Tls.Current!.Subject.Serial);
        using var second = await Manager.SessionAsync(member);
    }

    [Fact]
    public async Task Without_a_certificate_nothing_is_answered_but_enrolment()
    {
        var tls = TlsIdentity.WithoutCertificate((await Manager.JoinAsync(await Manager.TokenAsync())).First.Roots, null, TimeProvider.System);
        var channel = Manager.Dial(tls.ForClient(CertificateRole.Manager));
        await Refused(StatusCode.Unauthenticated, async () => await new Control.ControlClient(channel).GetInfoAsync(new GetInfoRequest()));
        await Refused(StatusCode.Unauthenticated, async () => await new ClusterAdmin.ClusterAdminClient(channel).GetClusterAsync(new GetClusterRequest()));
        await Refused(StatusCode.Unauthenticated, async () => await new Enrollment.EnrollmentClient(channel).RenewAsync(new RenewRequest()));
        using var session = new Dispatcher.DispatcherClient(channel).Session();
        await Refused(StatusCode.Unauthenticated, async () => await session.ResponseStream.MoveNext(CancellationToken.None));
        Assert.NotEmpty((await new Enrollment.EnrollmentClient(channel).GetTrustAsync(new GetTrustRequest())).AuthorityPem);
    }

    [Fact]
    public async Task A_workers_certificate_opens_no_door_of_people_and_managers()
    {
        var channel = Manager.Dial(await Manager.JoinAsync(await Manager.TokenAsync()));
        await Refused(StatusCode.PermissionDenied, async () => await new Control.ControlClient(channel).ListNodesAsync(new ListNodesRequest()));
        await Refused(StatusCode.PermissionDenied, async () => await new ClusterAdmin.ClusterAdminClient(channel).GetJoinTokenAsync(new GetJoinTokenRequest()));
        await Refused(StatusCode.PermissionDenied, async () => await new ClusterAdmin.ClusterAdminClient(channel).RotateAuthorityAsync(new RotateAuthorityRequest()));
    }

    [Fact]
    public async Task A_node_cannot_speak_for_another()
    {
        var (one, other) = (await Manager.JoinAsync(await Manager.TokenAsync()), await Manager.JoinAsync(await Manager.TokenAsync()));
        await Refused(StatusCode.PermissionDenied, async () => (await Manager.SessionAsync(one, claimed: other.Node)).Dispose());
    }

    [Fact]
    public async Task A_certificate_of_another_cluster_or_a_made_up_one_is_refused_at_the_handshake()
    {
        await using var elsewhere = await ClusterManager.StartAsync();
        var stranger = await elsewhere.JoinAsync(await elsewhere.TokenAsync());
        var member = await Manager.JoinAsync(await Manager.TokenAsync());
        // It would trust this cluster: only its own certificate is wrong.
        stranger.Tls.Trust(member.First.Roots);
        var options = stranger.Tls.ForClient(CertificateRole.Manager);
        options.RemoteCertificateValidationCallback = Joining.TrustingNobody().RemoteCertificateValidationCallback;
        await Unreachable(Manager.Dial(options));

        using var forged = CertificateAuthority.Create(member.First.Subject.Cluster, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1));
        var certificate = forged.Sign(
            SigningRequest.Read(SigningRequest.Make(member.Key, "x")), member.First.Subject.Cluster, CertificateRole.Manager, member.Node.ToString(),
            TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        var liar = new TlsIdentity(ProcessIdentity.From(certificate, member.Key, member.First.Roots), TimeProvider.System);
        await Unreachable(Manager.Dial(liar.ForClient(CertificateRole.Manager)));
    }

    [Fact]
    public async Task A_removed_node_is_cut_off_and_stays_out()
    {
        var member = await Manager.JoinAsync(await Manager.TokenAsync());
        using var session = await Manager.SessionAsync(member);
        await Refused(StatusCode.FailedPrecondition, async () => await Manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { member.Node.ToString() } }));
        await Manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { member.Node.ToString() }, Force = true });

        await EndsAsync(session);
        await Refused(StatusCode.PermissionDenied, async () => (await Manager.SessionAsync(member)).Dispose());
        await Refused(StatusCode.PermissionDenied, () => Manager.RenewAsync(member));
        var token = await Manager.TokenAsync();
        await Refused(StatusCode.PermissionDenied, async () => await Manager.JoinAsync(token, node: member.Node, key: member.Key));

        // With a key of its own the host may join again, and the earlier certificate stays worthless.
        var again = await Manager.JoinAsync(token, node: member.Node);
        using var open = await Manager.SessionAsync(again);
        await Refused(StatusCode.PermissionDenied, async () => (await Manager.SessionAsync(member)).Dispose());
    }

    [Fact]
    public async Task A_node_id_with_another_key_is_refused()
    {
        var token = await Manager.TokenAsync();
        var member = await Manager.JoinAsync(token);
        await Refused(StatusCode.PermissionDenied, async () => await Manager.JoinAsync(token, node: member.Node));
        await Manager.JoinAsync(token, node: member.Node, key: member.Key);
    }

    [Fact]
    public async Task A_manager_cannot_be_removed()
    {
        var first = (await Manager.Admin.GetClusterAsync(new GetClusterRequest())).AnsweredBy;
        await Refused(StatusCode.FailedPrecondition, async () => await Manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { first }, Force = true }));
    }

    [Fact]
    public async Task Tokens_are_of_a_role_and_worth_nothing_once_rotated()
    {
        var (worker, manager) = (await Manager.TokenAsync(), await Manager.TokenAsync(NodeRole.Manager));
        await Refused(StatusCode.PermissionDenied, async () => await Manager.JoinAsync(worker, CertificateRole.Manager));
        var rotated = await Manager.TokenAsync(NodeRole.Worker, rotate: true);
        await Refused(StatusCode.PermissionDenied, async () => await Manager.JoinAsync(worker));
        await Manager.JoinAsync(rotated);
        Assert.Equal(manager, await Manager.TokenAsync(NodeRole.Manager));
    }

    [Fact]
    public async Task Requests_that_make_no_sense_are_refused_with_a_reason()
    {
        var token = (await Manager.TokenAsync()).Format();
        var channel = Manager.Dial(Joining.TrustingNobody());
        var client = new Enrollment.EnrollmentClient(channel);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        var good = new EnrollRequest
        {
            Token = token, NodeId = ClusterManager.NewNode().ToString(), Hostname = "h", Address = "10.0.0.9",
            SigningRequest = ByteString.CopyFrom(SigningRequest.Make(key, "h")),
        };
        var wrong = new Dictionary<string, Action<EnrollRequest>>
        {
            ["no join token"] = request => request.Token = "hello",
            ["copy it whole"] = request => request.Token = token[..^3],
            ["is empty"] = request => request.SigningRequest = ByteString.Empty,
            ["cannot be read"] = request => request.SigningRequest = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(300)),
            ["P-256"] = request => request.SigningRequest = ByteString.CopyFrom(
                new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest()),
            ["16384"] = request => request.SigningRequest = ByteString.CopyFrom(new byte[20_000]),
            ["not a node id"] = request => request.NodeId = "../../etc",
            ["IP address"] = request => request.Address = "example.org",
            ["hostname"] = request => request.Hostname = "",
        };
        foreach (var (says, change) in wrong)
        {
            var request = good.Clone();
            change(request);
            var error = await Assert.ThrowsAsync<RpcException>(async () => await client.EnrollAsync(request));
            Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
            Assert.Contains(says, error.Status.Detail);
            Assert.DoesNotContain(token[^52..], error.Status.Detail);
        }
        Assert.DoesNotContain(token[^52..], Manager.Process.Said);
    }

    [Fact]
    public async Task An_expired_certificate_is_good_for_a_renewal_that_somebody_approved_once()
    {
        await using var short_ = await ClusterManager.StartAsync();
        await short_.Admin.UpdateClusterAsync(new UpdateClusterRequest { CertificateValidityNs = 12_000_000_000 });
        var member = await short_.JoinAsync(await short_.TokenAsync());
        await Task.Delay(member.First.Subject.NotAfter - TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(1));

        await Refused(StatusCode.PermissionDenied, async () => (await short_.SessionAsync(member)).Dispose());
        var refused = await Refused(StatusCode.PermissionDenied, () => short_.RenewAsync(member));
        Assert.Contains("berth node approve", refused.Status.Detail);
        Assert.Contains(
            (await short_.Admin.GetClusterAsync(new GetClusterRequest())).Advice, advice => advice.Contains("berth node approve", StringComparison.Ordinal));

        await short_.Admin.ApproveNodeAsync(new ApproveNodeRequest { Node = member.Node.ToString() });
        await short_.RenewAsync(member);
        using var session = await short_.SessionAsync(member);
        // The manager has renewed its own meanwhile: who dials it now is shown one that is valid.
        Assert.Contains("valid until", short_.Process.Said);
    }

    private static async Task<RpcException> Refused(StatusCode code, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(code == error.StatusCode, $"{error.StatusCode} instead of {code}: {error.Status.Detail}");
        return error;
    }

    private static async Task Unreachable(Grpc.Net.Client.GrpcChannel channel)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await new Enrollment.EnrollmentClient(channel).GetTrustAsync(new GetTrustRequest()));
        Assert.True(error.StatusCode is StatusCode.Unavailable or StatusCode.Internal, $"{error.StatusCode}: {error.Status.Detail}");
    }

    private static async Task EndsAsync(AsyncDuplexStreamingCall<AgentMessage, ManagerMessage> session)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            while (await session.ResponseStream.MoveNext(deadline.Token))
                Assert.False(deadline.IsCancellationRequested);
        }
        catch (RpcException error)
        {
            Assert.NotEqual(StatusCode.DeadlineExceeded, error.StatusCode);
        }
        Assert.False(deadline.IsCancellationRequested);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public ClusterManager Manager { get; private set; } = null!;

        public async Task InitializeAsync() => Manager = await ClusterManager.StartAsync();

        public async Task DisposeAsync() => await Manager.DisposeAsync();
    }
}
