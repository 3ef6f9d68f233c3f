using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Manager.Store;

namespace Berth.Manager.Members;

/// <summary>Makes the authority of the cluster's etcd and signs with it: for etcd's members, each on a manager's host, and for
/// nobody else.</summary>
/// <remarks>Not the cluster's authority: whoever holds a certificate of that one, such as every agent, finds no door here.</remarks>
public static class EtcdAuthority
{
    /// <summary>How long a member's certificate is valid; renewed after half of it.</summary>
    public static readonly TimeSpan MemberValidity = TimeSpan.FromDays(180);

    private static readonly TimeSpan Validity = TimeSpan.FromDays(20 * 365);

    // Clocks of hosts differ; a certificate that is not valid yet on the host it was made for would help nobody.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    // Members dial one another and managers dial members: every certificate is shown by both sides.
    private static readonly OidCollection BothSides = [new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")];

    /// <summary>A new authority.</summary>
    public static StoreAuthority Create(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Berth etcd authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var certificate = request.CreateSelfSigned(now - ClockSkew, now + Validity);
        return new StoreAuthority(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Signs a member's key.</summary>
    /// <param name="authority">Whose signature.</param>
    /// <param name="signingRequest">PKCS#10, DER; only its key counts.</param>
    /// <param name="name">The member's name.</param>
    /// <param name="addresses">Every address the host may be dialled at or dial from: etcd compares both.</param>
    /// <param name="now">Valid from.</param>
    /// <returns>The certificate in PEM.</returns>
    public static string Sign(this StoreAuthority authority, byte[] signingRequest, string name, IEnumerable<IPAddress> addresses, DateTimeOffset now)
    {
        var asked = CertificateRequest.LoadSigningRequest(signingRequest, HashAlgorithmName.SHA256);
        var request = new CertificateRequest(new X500DistinguishedName($"CN={name}"), asked.PublicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(BothSides, false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var address in addresses.Distinct())
            names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        using var signer = X509Certificate2.CreateFromPem(authority.CertificatePem, authority.KeyPem);
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40);
        using var certificate = request.Create(signer, now - ClockSkew, now + MemberValidity, serial);
        return certificate.ExportCertificatePem();
    }
}
