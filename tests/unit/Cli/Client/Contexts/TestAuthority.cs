using System.Security.Cryptography;
using Berth.Cli.Client.Contexts;
using Berth.Identity;
using Berth.Model;

namespace Berth.Tests.Cli.Client.Contexts;

/// <summary>An authority of a test's own, and identities it signs.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(1);
    private readonly CertificateAuthority _authority;

    public TestAuthority(int cluster = 1)
    {
        Cluster = new ClusterId(IdSource.Seeded(cluster).Next());
        _authority = CertificateAuthority.Create(Cluster, TimeProvider.System.GetUtcNow(), Validity);
    }

    public ClusterId Cluster { get; }

    public string Pem => _authority.CertificatePem + "\n";

    public ProcessIdentity Identity(CertificateRole role, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return ProcessIdentity.Read(Sign(key, role, name), key.ExportPkcs8PrivateKeyPem(), Pem);
    }

    public ContextBundle Bundle(string name, params string[] managers)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new ContextBundle
        {
            BerthContext = ContextBundle.Format,
            Name = name,
            Managers = managers,
            Description = "admin",
            Certificate = Sign(key, CertificateRole.Client, name),
            Authority = Pem,
            Key = key.ExportPkcs8PrivateKeyPem() + "\n",
        };
    }

    public AuthorityEndorsement Endorse(TestAuthority later) => AuthorityEndorsement.Make(_authority, later._authority.Certificate);

    public string Sign(byte[] signingRequest, string name) => _authority.Sign(
        SigningRequest.Read(signingRequest), Cluster, CertificateRole.Client, name, TimeProvider.System.GetUtcNow(), Validity).ExportCertificatePem() + "\n";

    private string Sign(ECDsa key, CertificateRole role, string name) => _authority.Sign(
        SigningRequest.Read(SigningRequest.Make(key, name)), Cluster, role, name, TimeProvider.System.GetUtcNow(), Validity).ExportCertificatePem() + "\n";

    public void Dispose() => _authority.Dispose();
}
