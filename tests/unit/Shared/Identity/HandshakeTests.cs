using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Model;

namespace Berth.Tests.Shared.Identity;

/// <summary>Real handshakes over loopback: what SslStream itself looks at decides nothing, so each of our checks is tried through it.</summary>
public sealed class HandshakeTests : IDisposable
{
    private static readonly ClusterId Cluster = new(IdSource.Seeded(1).Next());
    private readonly CertificateAuthority _authority = AnAuthority();
    private readonly CertificateAuthority _stranger = AnAuthority();

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_sides_see_whom_they_speak_to_and_a_newer_certificate_from_the_next_handshake_on(bool anew)
    {
        var (manager, agent) = (Tls(_authority, CertificateRole.Manager, 1), Tls(_authority, CertificateRole.Worker, 2));
        var kept = agent.ForClient(CertificateRole.Manager);
        SslClientAuthenticationOptions Dial() => anew ? agent.ForConnection(CertificateRole.Manager) : kept;

        Assert.Equal((Name(2), Name(1)), await ShakeAsync(manager.ForServer(requireClientCertificate: true), Dial()));

        agent.Swap(Identify(_authority, CertificateRole.Worker, 3));
        manager.Swap(Identify(_authority, CertificateRole.Manager, 4));
        Assert.Equal((Name(3), Name(4)), await ShakeAsync(manager.ForServer(requireClientCertificate: true), Dial()));
    }

    [Fact]
    public async Task Strangers_and_who_has_another_role_are_turned_away_by_whoever_sees_them()
    {
        var (manager, agent) = (Tls(_authority, CertificateRole.Manager, 1), Tls(_authority, CertificateRole.Worker, 2));
        var (foreignManager, foreignAgent) = (Tls(_stranger, CertificateRole.Manager, 1), Tls(_stranger, CertificateRole.Worker, 2));

        // A manager's own certificate that the other side does not trust; an agent that poses as a manager; an agent of others.
        await RefusedAsync(foreignManager, agent);
        await RefusedAsync(Tls(_authority, CertificateRole.Worker, 3), agent);
        await RefusedAsync(manager, foreignAgent, trusting: _authority);
    }

    [Fact]
    public async Task Who_has_no_certificate_or_an_expired_one_is_let_in_only_where_that_is_meant()
    {
        var manager = Tls(_authority, CertificateRole.Manager, 1);
        var nobody = TlsIdentity.WithoutCertificate([_authority.Certificate], Cluster, TimeProvider.System);
        var late = new TlsIdentity(Identify(_authority, CertificateRole.Worker, 2, TimeSpan.FromDays(-1)), TimeProvider.System);

        Assert.Equal((null, Name(1)), await ShakeAsync(manager.ForServer(requireClientCertificate: false), nobody.ForConnection(CertificateRole.Manager)));
        await RefusedAsync(manager, nobody);
        Assert.Equal((Name(2), Name(1)), await ShakeAsync(manager.ForServer(requireClientCertificate: true, allowExpired: true), late.ForConnection(CertificateRole.Manager)));
        await RefusedAsync(manager, late);
    }

    private static Task<Exception> RefusedAsync(TlsIdentity server, TlsIdentity client, CertificateAuthority? trusting = null)
    {
        if (trusting is not null)
            client.Trust([trusting.Certificate]);
        return Assert.ThrowsAnyAsync<Exception>(() => ShakeAsync(server.ForServer(requireClientCertificate: true), client.ForConnection(CertificateRole.Manager)));
    }

    // Whom each side saw, once a byte went either way: a client learns only then that it was refused.
    private static async Task<(string? Client, string? Server)> ShakeAsync(SslServerAuthenticationOptions answering, SslClientAuthenticationOptions dialling)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var dialled = new TcpClient();
        var accepting = listener.AcceptTcpClientAsync();
        await dialled.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var accepted = await accepting;
        await using var server = new SslStream(accepted.GetStream());
        await using var client = new SslStream(dialled.GetStream());
        var (one, other) = (AnswerAsync(server, accepted, answering), DialAsync(client, dialled, dialling));
        await Task.WhenAll(one, other);
        return (await one, await other);
    }

    private static async Task<string?> AnswerAsync(SslStream stream, TcpClient connection, SslServerAuthenticationOptions options)
    {
        try
        {
            await stream.AuthenticateAsServerAsync(options);
            await stream.WriteAsync(new byte[1]);
            await stream.ReadExactlyAsync(new byte[1]);
            return NameOf(stream);
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            connection.Close();
            throw;
        }
    }

    private static async Task<string?> DialAsync(SslStream stream, TcpClient connection, SslClientAuthenticationOptions options)
    {
        try
        {
            await stream.AuthenticateAsClientAsync(options);
            await stream.ReadExactlyAsync(new byte[1]);
            await stream.WriteAsync(new byte[1]);
            return NameOf(stream);
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            connection.Close();
            throw;
        }
    }

    // Older than a certificate of it that has expired.
    private static CertificateAuthority AnAuthority() => CertificateAuthority.Create(Cluster, TimeProvider.System.GetUtcNow().AddDays(-2), TimeSpan.FromDays(10));

    private static string? NameOf(SslStream stream) =>
        stream.RemoteCertificate is X509Certificate2 shown && NodeCertificate.TryRead(shown, out var read, out _) ? read.Name : null;

    private static string Name(int node) => new NodeId((UInt128)node).ToString();

    private static TlsIdentity Tls(CertificateAuthority authority, CertificateRole role, int node) => new(Identify(authority, role, node), TimeProvider.System);

    private static ProcessIdentity Identify(CertificateAuthority authority, CertificateRole role, int node, TimeSpan begun = default)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = SigningRequest.Read(SigningRequest.Make(key, Name(node)));
        using var certificate = authority.Sign(request, Cluster, role, Name(node), TimeProvider.System.GetUtcNow() + begun, TimeSpan.FromHours(1));
        return ProcessIdentity.Read(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), authority.CertificatePem);
    }
}
