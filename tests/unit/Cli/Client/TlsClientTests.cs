using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Tests.Cli.Client.Contexts;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Cli.Client;

/// <summary>Real TLS on loopback: who is let in, who is not, and what the person is told.</summary>
public sealed class TlsClientTests : IAsyncLifetime
{
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _other = new(2);
    private readonly List<WebApplication> _hosts = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts)
            await host.DisposeAsync();
        _authority.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task A_client_of_the_cluster_is_answered()
    {
        var address = await Manager(_authority, "berth1");

        Assert.Equal("berth1", (await Ask(_authority, address)).Hostname);
    }

    [Fact]
    public async Task Whoever_is_not_a_manager_of_the_cluster_is_refused_by_this_side()
    {
        var impostor = await Manager(_other, "impostor");
        var worker = await Manager(_authority, "worker", CertificateRole.Worker);

        var error = await Assert.ThrowsAsync<UserError>(() => Ask(_authority, impostor));
        Assert.StartsWith($"whoever answers at {impostor} is no manager of context 'prod': it is of cluster {_other.Cluster}", error.Message);
        Assert.Equal(ExitCode.Unreachable, error.Code);
        Assert.Contains("it is a worker's certificate, not a manager's", (await Assert.ThrowsAsync<UserError>(() => Ask(_authority, worker))).Message);
    }

    [Fact]
    public async Task A_client_that_the_manager_refuses_is_told_that_it_was_the_manager()
    {
        var address = await Manager(_authority, "berth1", trusts: _other);

        var error = await Assert.ThrowsAsync<UserError>(() => Ask(_authority, address));

        Assert.True(error.Code == ExitCode.NotAllowed, error.ToString());
        Assert.StartsWith($"the manager at {address} closed the connection when it was shown the certificate of client 'ann' (context 'prod', serial ", error.Message);
    }

    [Fact]
    public async Task After_a_rotation_the_new_authority_is_trusted_when_the_earlier_one_vouches_for_it()
    {
        using var rotated = new TestAuthority();
        var word = _authority.Endorse(rotated);
        var address = await Manager(rotated, "berth1", trusts: _authority, trust: new Trust
        {
            AuthorityPem = rotated.Pem,
            EarlierPem = _authority.Pem,
            Endorsements = { new Protocol.V1.AuthorityEndorsement { By = word.By, Of = word.Of, Signature = word.Signature } },
        });
        var (kept, notes) = (new List<string>(), new List<string>());
        using var client = new ManagerClient(new ManagerTarget
        {
            Addresses = [ManagerAddress.Parse(address, "test")],
            Tls = new ClientTls(_authority.Identity(CertificateRole.Client, "ann"), "prod", TimeProvider.System, kept.Add),
            Note = notes.Add,
        }, TimeProvider.System);

        // A change is sent once, and only to whom is believed.
        await client.Call("scale", (control, call) => control.ScaleServicesAsync(new ScaleServicesRequest(), call), CancellationToken.None);
        Assert.Equal("berth1", (await client.Ask("ask", (control, call) => control.GetInfoAsync(new GetInfoRequest(), call), CancellationToken.None)).Hostname);
        Assert.Equal(rotated.Pem, Assert.Single(kept));
        Assert.Contains($"context 'prod' trusts {word.Of} from now on", Assert.Single(notes));
    }

    [Fact]
    public async Task An_authority_nobody_vouches_for_is_not_trusted_whatever_it_says()
    {
        using var rotated = new TestAuthority();
        var word = rotated.Endorse(rotated);
        var address = await Manager(rotated, "berth1", trusts: _authority, trust: new Trust
        {
            AuthorityPem = rotated.Pem,
            Endorsements = { new Protocol.V1.AuthorityEndorsement { By = word.By, Of = word.Of, Signature = word.Signature } },
        });

        var error = await Assert.ThrowsAsync<UserError>(() => Ask(_authority, address));
        Assert.StartsWith($"whoever answers at {address} is no manager of context 'prod'", error.Message);
    }

    [Fact]
    public async Task A_locked_manager_hides_nobody()
    {
        var locked = await Manager(_authority, "berth1", cluster: new ClusterStatus { Locked = true });
        var there = await Manager(_authority, "berth2", cluster: new ClusterStatus { Store = "etcd" });
        using var both = Client(_authority, locked, there);
        using var alone = Client(_authority, locked);

        Assert.Equal("etcd", (await both.AskCluster(CancellationToken.None)).Store);
        Assert.True((await alone.AskCluster(CancellationToken.None)).Locked);
    }

    [Fact]
    public async Task A_manager_that_is_away_or_hangs_is_passed_over()
    {
        using var hangs = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        hangs.Start();
        var silent = $"https://127.0.0.1:{((System.Net.IPEndPoint)hangs.LocalEndpoint).Port}";
        var there = await Manager(_authority, "berth3");

        Assert.Equal("berth3", (await Ask(_authority, "https://127.0.0.1:1", silent, there)).Hostname);
        using var client = Client(_authority, "https://127.0.0.1:1", silent, there);
        var changed = await client.Call("scale", (control, call) => control.ScaleServicesAsync(new ScaleServicesRequest(), call), CancellationToken.None);
        Assert.Empty(changed.Services);
    }

    [Fact]
    public async Task When_every_manager_is_away_each_is_named()
    {
        var error = await Assert.ThrowsAsync<UserError>(() => Ask(_authority, "https://127.0.0.1:1", "https://127.0.0.1:2"));

        Assert.Equal("no manager answers:\n  no manager answers at https://127.0.0.1:1: nobody listens there\n  no manager answers at https://127.0.0.1:2: nobody listens there", error.Message);
        Assert.Equal(ExitCode.Unreachable, error.Code);
    }

    private static async Task<Info> Ask(TestAuthority authority, params string[] addresses)
    {
        using var client = Client(authority, addresses);
        return await client.Ask("ask", (control, call) => control.GetInfoAsync(new GetInfoRequest(), call), CancellationToken.None);
    }

    private static ManagerClient Client(TestAuthority authority, params string[] addresses) => new(new ManagerTarget
    {
        Addresses = [.. addresses.Select(address => ManagerAddress.Parse(address, "test"))],
        Context = "prod",
        Tls = new ClientTls(authority.Identity(CertificateRole.Client, "ann"), "prod", TimeProvider.System),
    }, TimeProvider.System);

    private async Task<string> Manager(TestAuthority authority, string hostname, CertificateRole role = CertificateRole.Manager, TestAuthority? trusts = null, Trust? trust = null, ClusterStatus? cluster = null)
    {
        var shown = new TlsIdentity(authority.Identity(role, "0000000000000000000000000"), TimeProvider.System);
        var judge = trusts is null ? shown : new TlsIdentity(trusts.Identity(role, "0000000000000000000000000"), TimeProvider.System);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ =>
                {
                    var options = shown.ForServer(requireClientCertificate: trust is null);
                    options.RemoteCertificateValidationCallback = judge.ForServer(requireClientCertificate: trust is null).RemoteCertificateValidationCallback;
                    return ValueTask.FromResult(options);
                },
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Answers(hostname));
        builder.Services.AddSingleton(new Trusts(trust ?? new Trust()));
        builder.Services.AddSingleton(new Status(cluster ?? new ClusterStatus()));
        var host = builder.Build();
        host.MapGrpcService<Answers>();
        host.MapGrpcService<Trusts>();
        host.MapGrpcService<Status>();
        await host.StartAsync();
        _hosts.Add(host);
        return host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    private sealed class Trusts(Trust trust) : Enrollment.EnrollmentBase
    {
        public override Task<Trust> GetTrust(GetTrustRequest request, ServerCallContext context) => Task.FromResult(trust);
    }

    private sealed class Status(ClusterStatus cluster) : ClusterAdmin.ClusterAdminBase
    {
        public override Task<ClusterStatus> GetCluster(GetClusterRequest request, ServerCallContext context) => Task.FromResult(cluster);
    }

    private sealed class Answers(string hostname) : Control.ControlBase
    {
        public override Task<Info> GetInfo(GetInfoRequest request, ServerCallContext context) => Task.FromResult(new Info { Hostname = hostname });

        public override Task<ScaleServicesResponse> ScaleServices(ScaleServicesRequest request, ServerCallContext context) => Task.FromResult(new ScaleServicesResponse());
    }
}
