using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Model;

namespace Berth.Identity;

/// <summary>An authority that can sign: its certificate and key. Only managers hold one.</summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long a new authority is valid.</summary>
    public static readonly TimeSpan DefaultValidity = TimeSpan.FromDays(20 * 365);

    // Clocks of hosts differ; a certificate that is not valid yet on the host it was made for would help nobody.
    private static readonly TimeSpan MostClockSkew = TimeSpan.FromMinutes(5);

    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1"), ClientUse = new("1.3.6.1.5.5.7.3.2");
    private readonly ECDsa _key;

    private CertificateAuthority(X509Certificate2 certificate, ECDsa key) => (Certificate, _key) = (certificate, key);

    /// <summary>Its certificate, without the key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Its certificate as PEM.</summary>
    public string CertificatePem => Certificate.ExportCertificatePem();

    /// <summary>Its key as PEM: to be kept where only managers read.</summary>
    public string KeyPem => _key.ExportPkcs8PrivateKeyPem();

    /// <summary>A new authority.</summary>
    public static CertificateAuthority Create(ClusterId cluster, DateTimeOffset now, TimeSpan validity)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName("Berth authority");
        subject.AddOrganizationName(cluster.ToString());
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var certificate = request.Create(
            request.SubjectName, X509SignatureGenerator.CreateForECDsa(key), now - MostClockSkew, now + validity, NewSerial());
        return new CertificateAuthority(X509CertificateLoader.LoadCertificate(certificate.RawData), key);
    }

    /// <summary>An authority from PEM, or throws <see cref="FormatException"/> that says why it cannot be one.</summary>
    public static CertificateAuthority Read(string certificatePem, string keyPem)
    {
        var certificate = Pem.One(certificatePem, "the authority's certificate");
        var key = Pem.Key(keyPem, "the authority's key");
        try
        {
            var problem = Problem(certificate);
            if (problem is null && !Pem.Belong(certificate, key))
                problem = "the authority's key is not the one of its certificate; give the two that belong together";
            return problem is null ? new CertificateAuthority(certificate, key) : throw new FormatException(problem);
        }
        catch (Exception error) when (error is FormatException or CryptographicException or NotSupportedException)
        {
            certificate.Dispose();
            key.Dispose();
            throw error as FormatException ?? new FormatException($"the authority's certificate cannot be used: {error.Message}", error);
        }
    }

    /// <summary>Why a certificate cannot be a cluster's authority; null when it can.</summary>
    public static string? Problem(X509Certificate2 certificate)
    {
        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true })
            return $"the certificate '{certificate.Subject}' is no authority's (basicConstraints lacks CA:TRUE)";
        if (!certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData))
            return $"the certificate '{certificate.Subject}' is signed by '{certificate.Issuer}'; a cluster trusts roots only, give a self-signed one";
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        return usage is not null && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign)
            ? $"the certificate '{certificate.Subject}' may not sign certificates (keyUsage lacks keyCertSign)"
            : null;
    }

    /// <summary>Signs a certificate.</summary>
    /// <param name="request">Whose key.</param>
    /// <param name="cluster">O.</param>
    /// <param name="role">OU.</param>
    /// <param name="name">CN: a node's id or a client's name.</param>
    /// <param name="now">Valid from, less a little for clocks that differ.</param>
    /// <param name="validity">Valid for; never beyond the authority itself.</param>
    public X509Certificate2 Sign(
        SigningRequest request, ClusterId cluster, CertificateRole role, string name, DateTimeOffset now, TimeSpan validity)
    {
        var wanted = new CertificateRequest(SubjectOf(cluster, role, name), request.Key, HashAlgorithmName.SHA256);
        wanted.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        wanted.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        wanted.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            role == CertificateRole.Manager ? [ServerUse, ClientUse] : [ClientUse], false));
        wanted.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.Key, false));
        wanted.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        if (role != CertificateRole.Client)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            wanted.CertificateExtensions.Add(names.Build());
        }
        var (from, until) = (Later(now - Skew(validity), Certificate.NotBefore), Earlier(now + validity, Certificate.NotAfter));
        return wanted.Create(Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), from, until, NewSerial());
    }

    /// <summary>Signs a text that is no certificate: ECDSA over SHA-256, DER.</summary>
    internal byte[] SignText(byte[] text) => _key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>O, OU and CN of a certificate.</summary>
    public static X500DistinguishedName SubjectOf(ClusterId cluster, CertificateRole role, string name)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        subject.AddOrganizationalUnitName(NodeCertificate.WordOf(role));
        subject.AddOrganizationName(cluster.ToString());
        return subject.Build();
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    // A tenth of a short life at most: half of what is left must lie ahead, or its holder would renew without end.
    private static TimeSpan Skew(TimeSpan validity) => validity / 10 < MostClockSkew ? validity / 10 : MostClockSkew;

    // 128 random bits; a first bit of zero keeps it positive and its length constant.
    private static byte[] NewSerial()
    {
        var serial = RandomNumberGenerator.GetBytes(17);
        serial[0] = 0;
        if (BinaryPrimitives.ReadUInt128BigEndian(serial.AsSpan(1)) == 0)
            serial[^1] = 1;
        return serial[1] < 0x80 ? [(byte)(serial[1] | 0x40), .. serial.AsSpan(2)] : serial;
    }

    private static DateTimeOffset Later(DateTimeOffset left, DateTime right) => left.UtcDateTime > right.ToUniversalTime() ? left : right.ToUniversalTime();

    private static DateTimeOffset Earlier(DateTimeOffset left, DateTime right) => left.UtcDateTime < right.ToUniversalTime() ? left : right.ToUniversalTime();
}
