using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Akka.Remote.Transport.DotNetty;
using Berth.Identity;
using Berth.Manager.Hosting;
using Berth.Manager.Gossip;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Manager.Gossip;

/// <summary>Members on real ports with real certificates.</summary>
public sealed class ManagerMembershipTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly ClusterId Cluster = new(77);
    private readonly CertificateAuthority _authority = CertificateAuthority.Create(Cluster, TimeProvider.System.GetUtcNow(), CertificateAuthority.DefaultValidity);

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Managers_find_one_another_and_one_that_vanishes_is_noticed_and_forgotten()
    {
        int[] ports = [FreePort(), FreePort()];
        var lost = new TaskCompletionSource<NodeId>();
        await using var first = Start(ports[0], new NodeId(1), CertificateRole.Manager, ports, lost.SetResult);
        var second = Start(ports[1], new NodeId(2), CertificateRole.Manager, ports);
        await WaitUntilAsync(() => first.Look(false).Members.Length == 2 && second.Look(false).Members.Length == 2);
        Assert.Equal(new NodeId(2), first.Look(false).Members.Single(member => member.Address == $"127.0.0.1:{ports[1]}").Node);

        await second.AbandonAsync();

        Assert.Equal(new NodeId(2), await lost.Task.WaitAsync(Patience));
        first.Forget([$"127.0.0.1:{ports[1]}"]);
        await WaitUntilAsync(() => first.Look(false).Members.Length == 1);
    }

    [Fact]
    public async Task Who_is_no_manager_of_this_cluster_does_not_get_in()
    {
        int[] ports = [FreePort(), FreePort()];
        await using var manager = Start(ports[0], new NodeId(1), CertificateRole.Manager, ports);
        await WaitUntilAsync(() => manager.Look(false).Members.Length == 1);
        await using var worker = Start(ports[1], new NodeId(2), CertificateRole.Worker, ports);
        using var stranger = CertificateAuthority.Create(new ClusterId(78), TimeProvider.System.GetUtcNow(), CertificateAuthority.DefaultValidity);

        Assert.False(await IsHeardAsync(ports[0], null));
        Assert.False(await IsHeardAsync(ports[0], Identity(stranger, new NodeId(3), CertificateRole.Manager, new ClusterId(78))));
        Assert.False(await IsHeardAsync(ports[0], Identity(_authority, new NodeId(2), CertificateRole.Worker)));
        Assert.True(await IsHeardAsync(ports[0], Identity(_authority, new NodeId(2), CertificateRole.Manager)));
        Assert.Single(manager.Look(false).Members);
        Assert.Empty(worker.Look(false).Members);
    }

    // Whether a connection stays open after the handshake, or is closed because nobody believes the certificate.
    private static async Task<bool> IsHeardAsync(int port, ProcessIdentity? identity)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(client.GetStream(), false, (_, _, _, _) => true, (_, _, _, _, _) => identity?.Certificate!);
        try
        {
            await tls.AuthenticateAsClientAsync("manager");
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            return await tls.ReadAsync(new byte[1], patience.Token) > 0;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (Exception closed) when (closed is IOException or AuthenticationException)
        {
            return false;
        }
    }

    private ManagerMembership Start(int port, NodeId node, CertificateRole role, int[] ports, Action<NodeId>? onUnreachable = null)
    {
        var identity = Identity(_authority, node, role);
        var tls = new TlsIdentity(identity, TimeProvider.System);
        var ssl = new DotNettySslSetup(
            identity.Certificate, false, true, (certificate, _, _, _, _) => certificate is not null && tls.ProblemOf(certificate, CertificateRole.Manager) is null);
        return ManagerMembership.Start(
            new MembershipSettings("127.0.0.1", port, node, ssl, typeof(TimerScheduler), typeof(RefusingSerializer)),
            [.. ports.Select(seed => $"127.0.0.1:{seed}")], TimeProvider.System, NullLoggerFactory.Instance, onUnreachable ?? (_ => { }));
    }

    private static ProcessIdentity Identity(CertificateAuthority authority, NodeId node, CertificateRole role, ClusterId? other = null)
    {
        var cluster = other ?? Cluster;
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using var certificate = authority.Sign(
            SigningRequest.Read(SigningRequest.Make(key, node.ToString())), cluster, role, node.ToString(), TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1));
        return ProcessIdentity.Read(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), authority.CertificatePem);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(50, patience.Token);
    }
}
