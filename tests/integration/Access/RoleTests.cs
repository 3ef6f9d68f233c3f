using System.Security.Cryptography;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Grpc.Net.Client;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Access;

/// <summary>Who may do what, tried with real certificates on real connections.</summary>
public sealed class RoleTests
{
    [Fact]
    public async Task Each_role_may_do_what_the_table_says_and_refusals_are_written_down()
    {
        await using var manager = await NetworkManager.StartAsync();
        var (ann, dan, vic) = (await manager.AdmitAsync("ann", "admin"), await manager.AdmitAsync("dan", "deployer", "shop"), await manager.AdmitAsync("vic", "viewer"));
        using GrpcChannel admin = manager.Connect(ann), deployer = manager.Connect(dan), viewer = manager.Connect(vic), nobody = manager.ConnectNobody(vic);

        await Deploy(deployer, "shop");
        await Deploy(admin, "blog");
        await RefusedAsync(StatusCode.PermissionDenied, "deployer 'dan' may not change stack 'blog'", () => Deploy(deployer, "blog"));
        await RefusedAsync(StatusCode.PermissionDenied, "viewer 'vic' may only read", () => Deploy(viewer, "shop"));
        await RefusedAsync(StatusCode.PermissionDenied, "deployer 'dan' is no admin",
            async () => await new ClusterAdmin.ClusterAdminClient(deployer).GetJoinTokenAsync(new GetJoinTokenRequest()));
        await RefusedAsync(StatusCode.Unauthenticated, "no certificate was shown", () => Deploy(nobody, "shop"));
        await RefusedAsync(StatusCode.PermissionDenied, "agents and managers",
            async () => await new Dispatcher.DispatcherClient(admin).Session().ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(2, (await new Control.ControlClient(viewer).ListStacksAsync(new ListStacksRequest())).Stacks.Count);
        Assert.Equal(["ann", "dan", "vic"], (await new ClusterAdmin.ClusterAdminClient(admin).ListClientsAsync(new ListClientsRequest())).Clients.Select(client => client.Name));

        var written = (await manager.AuditAsync()).Select(entry => $"{entry.Who} {entry.Call} {entry.Outcome}").ToList();
        Assert.Contains("deployer 'dan' Control/DeployStack done", written);
        Assert.Contains(written, line => line.StartsWith("viewer 'vic' Control/DeployStack refused: viewer 'vic' may only read", StringComparison.Ordinal));
        Assert.Contains(written, line => line.StartsWith("nobody (no certificate) Control/DeployStack refused:", StringComparison.Ordinal));
        Assert.DoesNotContain(written, line => line.StartsWith("viewer 'vic' Control/ListStacks", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_is_removed_is_refused_at_once_and_what_he_has_open_ends()
    {
        await using var manager = await NetworkManager.StartAsync();
        var vic = await manager.AdmitAsync("vic", "viewer");
        using var channel = manager.Connect(vic);
        using var events = new Control.ControlClient(channel).WatchEvents(new WatchEventsRequest());
        await events.ResponseHeadersAsync;

        await manager.Admin.RemoveClientAsync(new RemoveClientRequest { Name = "vic" });
        await RefusedAsync(StatusCode.PermissionDenied, "client 'vic' was removed", async () => await new Control.ControlClient(channel).GetInfoAsync(new GetInfoRequest()));
        using var patience = new CancellationTokenSource(ManagerProcess.Deadline);
        await RefusedAsync(StatusCode.PermissionDenied, "client 'vic' was removed", async () =>
        {
            while (await events.ResponseStream.MoveNext(patience.Token))
            {
            }
        });

        var again = await manager.AdmitAsync("vic", "viewer");
        await RefusedAsync(StatusCode.PermissionDenied, "earlier certificate", async () => await new Control.ControlClient(channel).GetInfoAsync(new GetInfoRequest()));
        using var renewed = manager.Connect(again);
        await new Control.ControlClient(renewed).GetInfoAsync(new GetInfoRequest());
    }

    [Fact]
    public async Task A_certificate_of_another_cluster_is_turned_away_and_written_down_with_the_reason()
    {
        await using var manager = await NetworkManager.StartAsync();
        var vic = await manager.AdmitAsync("vic", "viewer");
        using var foreign = CertificateAuthority.Create(new ClusterId(5), DateTimeOffset.UtcNow, TimeSpan.FromDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = foreign.Sign(
            SigningRequest.Read(SigningRequest.Make(key, "vic")), new ClusterId(5), CertificateRole.Client, "vic", DateTimeOffset.UtcNow, TimeSpan.FromHours(1));
        var stranger = ProcessIdentity.Read(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), vic.RootsPem);
        var tls = new TlsIdentity(stranger, TimeProvider.System);
        var options = tls.ForClient(CertificateRole.Manager);
        options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        using var channel = GrpcChannel.ForAddress($"https://{manager.Address}", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { SslOptions = options, UseProxy = false }, DisposeHttpClient = true,
        });

        await Assert.ThrowsAsync<RpcException>(async () => await new Control.ControlClient(channel).GetInfoAsync(new GetInfoRequest()));
        using var deadline = new CancellationTokenSource(ManagerProcess.Deadline);
        while (!(await manager.AuditAsync()).Any(entry => entry.Call == "connection" && entry.Outcome.Contains("it is of cluster")))
            await Task.Delay(50, deadline.Token);
    }

    private static async Task Deploy(GrpcChannel channel, string stack) => await new Control.ControlClient(channel).DeployStackAsync(
        Specs.Deploy(stack, Specs.Service($"{stack}_web", spec => spec.Labels["com.docker.stack.namespace"] = stack)));

    private static async Task RefusedAsync(StatusCode code, string why, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((code, true), (refused.StatusCode, refused.Status.Detail.Contains(why)));
    }
}
