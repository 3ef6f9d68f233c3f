using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Model;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Shared.Identity;

public sealed class CertificateTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClusterId Cluster = new(IdSource.Seeded(1).Next());
    private static readonly string Node = new NodeId(IdSource.Seeded(2).Next()).ToString();

    private readonly FakeTimeProvider _time = new(Now);

    [Theory]
    [InlineData(CertificateRole.Worker)]
    [InlineData(CertificateRole.Manager)]
    public void A_signed_certificate_says_cluster_role_and_name(CertificateRole role)
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var identity = Identify(authority, role);

        Assert.Equal((Cluster, role, Node), (identity.Subject.Cluster, identity.Subject.Role, identity.Subject.Name));
        Assert.Equal(NodeId.Parse(Node), identity.Subject.NodeId);
        Assert.True(identity.Subject.IsValidAt(Now));
        Assert.False(identity.Subject.IsValidAt(Now.AddHours(2)));
        Assert.Contains(Node, identity.Certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());
    }

    [Fact]
    public void An_authority_is_the_same_after_being_written_and_read()
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var read = CertificateAuthority.Read(authority.CertificatePem, authority.KeyPem);
        Assert.Equal(authority.Certificate.Thumbprint, read.Certificate.Thumbprint);

        using var other = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        Assert.Contains("not the one of its certificate", Assert.Throws<FormatException>(
            () => CertificateAuthority.Read(authority.CertificatePem, other.KeyPem)).Message);
        Assert.Contains("no authority's", Assert.Throws<FormatException>(
            () => CertificateAuthority.Read(Identify(authority, CertificateRole.Worker).Certificate.ExportCertificatePem(), authority.KeyPem)).Message);
    }

    [Fact]
    public void Serial_numbers_differ_and_have_128_bits()
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var serials = Enumerable.Range(0, 100).Select(_ => Identify(authority, CertificateRole.Worker).Subject.Serial).ToHashSet();
        Assert.Equal(100, serials.Count);
        Assert.All(serials, serial => Assert.InRange(serial.Length, 32, 34));
    }

    [Fact]
    public void Only_the_own_cluster_role_and_authority_are_accepted()
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var stranger = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var tls = new TlsIdentity(Identify(authority, CertificateRole.Manager), _time);

        Assert.Null(tls.ProblemOf(Identify(authority, CertificateRole.Manager).Certificate, CertificateRole.Manager));
        Assert.Contains("worker's certificate", tls.ProblemOf(Identify(authority, CertificateRole.Worker).Certificate, CertificateRole.Manager));
        Assert.NotNull(tls.ProblemOf(Identify(stranger, CertificateRole.Manager).Certificate, CertificateRole.Manager));
        var elsewhere = Identify(authority, CertificateRole.Manager, new ClusterId(IdSource.Seeded(9).Next()));
        Assert.Contains("not of", tls.ProblemOf(elsewhere.Certificate, CertificateRole.Manager));
    }

    [Fact]
    public void A_workers_certificate_is_not_good_for_answering()
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        Assert.NotNull(CertificateChain.Problem(
            Identify(authority, CertificateRole.Worker).Certificate, null, [authority.Certificate], forServer: true, allowExpired: false, Now));
    }

    [Fact]
    public void An_expired_certificate_passes_only_where_age_is_forgiven()
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var stranger = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var identity = Identify(authority, CertificateRole.Worker);
        var tls = new TlsIdentity(Identify(authority, CertificateRole.Manager), _time);
        _time.Advance(TimeSpan.FromHours(3));

        Assert.NotNull(tls.ProblemOf(identity.Certificate, null));
        Assert.Null(tls.ProblemOf(identity.Certificate, null, allowExpired: true));
        Assert.NotNull(tls.ProblemOf(Identify(stranger, CertificateRole.Worker).Certificate, null, allowExpired: true));
        _time.Advance(TimeSpan.FromDays(2));
        Assert.NotNull(tls.ProblemOf(identity.Certificate, null, allowExpired: true));
    }

    [Fact]
    public void Newer_trust_counts_at_once()
    {
        using var before = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var after = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var tls = new TlsIdentity(Identify(before, CertificateRole.Manager), _time);
        var renewed = Identify(after, CertificateRole.Worker).Certificate;

        Assert.NotNull(tls.ProblemOf(renewed, null));
        tls.Trust([before.Certificate, after.Certificate]);
        Assert.Null(tls.ProblemOf(renewed, null));
    }

    [Fact]
    public void Of_an_earlier_authority_only_clients_are_believed()
    {
        using var earlier = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var present = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var tls = new TlsIdentity(Identify(present, CertificateRole.Manager), _time);
        var client = Identify(earlier, CertificateRole.Client).Certificate;
        Assert.NotNull(tls.ProblemOf(client, null));

        tls.TrustClientsOf([earlier.Certificate]);
        Assert.Null(tls.ProblemOf(client, null));
        Assert.NotNull(tls.ProblemOf(Identify(earlier, CertificateRole.Worker).Certificate, null));
        Assert.NotNull(tls.ProblemOf(Identify(earlier, CertificateRole.Manager).Certificate, CertificateRole.Manager));
        _time.Advance(TimeSpan.FromDays(2));
        Assert.NotNull(tls.ProblemOf(client, null));
    }

    [Fact]
    public void A_signing_request_proves_its_key_and_says_nothing_else()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = SigningRequest.Read(SigningRequest.Make(key, "root"));
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), request.Key.ExportSubjectPublicKeyInfo());

        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var signed = authority.Sign(request, Cluster, CertificateRole.Client, "ann", Now, TimeSpan.FromHours(1));
        Assert.True(NodeCertificate.TryRead(signed, out var subject, out _));
        Assert.Equal("ann", subject.Name);
    }

    [Fact]
    public void Other_curves_and_keys_are_refused()
    {
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Contains("P-256", Assert.Throws<FormatException>(() => SigningRequest.Read(SigningRequest.Make(curve, "x"))).Message);

        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        Assert.Contains("P-256", Assert.Throws<FormatException>(() => SigningRequest.Read(request)).Message);
    }

    [Fact]
    public void Broken_requests_are_format_errors_and_nothing_else()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = SigningRequest.Make(key, "x");
        Gen.OneOf(
            Gen.Byte.Array[0, 400],
            Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte[1, 255]).Select((at, flip) => Flip(good, at, flip)),
            Gen.Int[0, good.Length - 1].Select(length => good[..length])).Sample(bytes =>
        {
            Assert.Throws<FormatException>(() => SigningRequest.Read(bytes));
        });
    }

    [Fact]
    public void Broken_pem_is_a_format_error_and_nothing_else()
    {
        using var authority = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var (certificate, key) = (authority.CertificatePem, authority.KeyPem);
        Gen.Select(Broken(certificate), Broken(key)).Sample((badCertificate, badKey) =>
        {
            foreach (var (first, second) in new[] { (badCertificate, key), (certificate, badKey), (badCertificate, badKey) })
            {
                try
                {
                    CertificateAuthority.Read(first, second).Dispose();
                }
                catch (FormatException error)
                {
                    Assert.NotEmpty(error.Message);
                }
            }
        }, iter: 2000);
    }

    [Fact]
    public void Only_the_authority_the_token_names_is_found()
    {
        using var mine = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        using var other = CertificateAuthority.Create(Cluster, Now, TimeSpan.FromDays(1));
        var token = JoinToken.For(mine.Certificate, JoinToken.NewSecret());

        Assert.Equal(mine.Certificate.Thumbprint, Joining.FindPinned(token, other.CertificatePem + "\n" + mine.CertificatePem).Thumbprint);
        Assert.Contains("Nothing secret was sent", Assert.Throws<AuthenticationException>(() => Joining.FindPinned(token, other.CertificatePem)).Message);
        Assert.Throws<AuthenticationException>(() => Joining.FindPinned(token, "rubbish"));
    }

    [Fact]
    public void Renewal_falls_around_half_of_the_life() => Gen.Double[0, 1].Sample(chance =>
    {
        var subject = new NodeCertificate(Cluster, CertificateRole.Worker, Node, Now, Now.AddHours(100), "00");
        var at = ProcessIdentity.RenewAt(subject, chance);
        return at >= Now.AddHours(45) && at <= Now.AddHours(55);
    });

    private static Gen<string> Broken(string pem) => Gen.OneOf(
        Gen.String,
        Gen.Int[0, pem.Length - 1].Select(length => pem[..length]),
        Gen.Select(Gen.Int[0, pem.Length - 1], Gen.Char.AlphaNumeric).Select((at, character) => pem[..at] + character + pem[(at + 1)..]));

    private static byte[] Flip(byte[] bytes, int at, byte bits)
    {
        var copy = bytes.ToArray();
        copy[at] ^= bits;
        return copy;
    }

    private static ProcessIdentity Identify(CertificateAuthority authority, CertificateRole role, ClusterId? cluster = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = SigningRequest.Read(SigningRequest.Make(key, Node));
        using var certificate = authority.Sign(request, cluster ?? Cluster, role, Node, Now, TimeSpan.FromHours(1));
        return ProcessIdentity.Read(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), authority.CertificatePem);
    }
}
