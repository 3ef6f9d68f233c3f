using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Identity;
using Berth.Manager.Journals.Etcd;

namespace Berth.Manager.Members;

/// <summary>Key and certificates of the member on this host; etcd reads them at each handshake, so they may change under it.</summary>
public sealed class EtcdFiles(string directory)
{
    /// <summary>The member's key.</summary>
    public string Key { get; } = Path.Combine(directory, "member.key");

    /// <summary>The member's certificate.</summary>
    public string Certificate { get; } = Path.Combine(directory, "member.crt");

    /// <summary>The authority of etcd.</summary>
    public string Authority { get; } = Path.Combine(directory, "ca.crt");

    /// <summary>Whether all of them are there.</summary>
    public bool Exist => File.Exists(Key) && File.Exists(Certificate) && File.Exists(Authority);

    /// <summary>A request to sign this host's key, which is made when there is none.</summary>
    /// <returns>PKCS#10, DER.</returns>
    public byte[] Request(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(Key))
            key.ImportFromPem(File.ReadAllText(Key));
        else
            Write(Key, key.ExportPkcs8PrivateKeyPem());
        return new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    /// <summary>Keeps what was signed.</summary>
    public void Save(string certificatePem, string authorityPem)
    {
        Write(Authority, authorityPem);
        Write(Certificate, certificatePem);
    }

    /// <summary>What a manager shows to etcd.</summary>
    public EtcdIdentity Load()
    {
        try
        {
            using var pem = X509Certificate2.CreateFromPemFile(Certificate, Key);
            // Keys that exist only in memory cannot be shown on a connection on every platform.
            return new EtcdIdentity(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null), [X509CertificateLoader.LoadCertificateFromFile(Authority)]);
        }
        catch (CryptographicException error)
        {
            throw new InvalidDataException($"the identity of etcd in '{directory}' cannot be used: {error.Message}. Demote and promote this manager to make a new one", error);
        }
    }

    /// <summary>When the certificate should be renewed; null when there is none.</summary>
    public DateTimeOffset? RenewAt()
    {
        if (!Exist)
            return null;
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Certificate);
        return certificate.NotAfter.ToUniversalTime() - EtcdAuthority.MemberValidity / 2;
    }

    /// <summary>Whether the certificate names all of these addresses.</summary>
    public bool Names(IEnumerable<System.Net.IPAddress> addresses)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Certificate);
        var named = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateIPAddresses()).ToHashSet();
        return addresses.All(named.Contains);
    }

    private void Write(string path, string text) => PrivateText.Write(Path.Combine(directory, Path.GetFileName(path)), text);
}
