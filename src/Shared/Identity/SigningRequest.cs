using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Identity;

/// <summary>A PKCS#10 request: proof that somebody holds a key. Nothing but the key is taken from it; who its holder is,
/// the signer decides.</summary>
public sealed class SigningRequest
{
    // A P-256 request takes about 300 bytes; cfssl's own with long subjects stay far below this.
    private const int LargestBytes = 16 * 1024;
    private const string P256 = "1.2.840.10045.3.1.7";

    private SigningRequest(byte[] der, PublicKey key) => (Der, Key) = (der, key);

    /// <summary>As it came.</summary>
    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>Whose certificate is asked for.</summary>
    public PublicKey Key { get; }

    /// <summary>SHA-256 of the key, as <see cref="NodeCertificate.KeyHash(PublicKey)"/>.</summary>
    public string KeyHash => NodeCertificate.KeyHash(Key);

    /// <summary>The request as PEM.</summary>
    public string ToPem() => PemEncoding.WriteString("CERTIFICATE REQUEST", Der.Span);

    /// <summary>Makes a request, DER.</summary>
    /// <param name="key">A key on P-256; it stays where it is.</param>
    /// <param name="name">CN, for people who read requests; signers do not believe it.</param>
    public static byte[] Make(ECDsa key, string name)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        return new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    /// <summary>Reads a request and checks its signature, or throws <see cref="FormatException"/> that says what is wrong.</summary>
    public static SigningRequest Read(ReadOnlySpan<byte> der)
    {
        if (der.IsEmpty)
            throw new FormatException("the signing request is empty");
        if (der.Length > LargestBytes)
            throw new FormatException($"the signing request has {der.Length} bytes; at most {LargestBytes} are read");
        try
        {
            var bytes = der.ToArray();
            var request = CertificateRequest.LoadSigningRequest(bytes, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
            using var key = request.PublicKey.GetECDsaPublicKey()
                ?? throw new FormatException("the signing request's key is not an ECDSA key; make one on the curve P-256");
            var curve = key.ExportParameters(false).Curve;
            if (!curve.IsNamed || curve.Oid.Value != P256)
                throw new FormatException($"the signing request's key is on the curve {curve.Oid?.FriendlyName ?? "unnamed"}; make one on P-256");
            return new SigningRequest(bytes, request.PublicKey);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException or NotSupportedException)
        {
            throw new FormatException($"the signing request cannot be read, or its signature does not fit its key: {error.Message}", error);
        }
    }
}
