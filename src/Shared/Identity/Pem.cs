using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Identity;

/// <summary>Reads PEM; whatever is wrong is a <see cref="FormatException"/>, and no message repeats a key.</summary>
public static class Pem
{
    // A few roots during a rotation take some KB.
    private const int LargestCharacters = 256 * 1024;

    /// <summary>All certificates of a text, at least one.</summary>
    public static X509Certificate2Collection Many(string pem, string what)
    {
        if (pem.Length > LargestCharacters)
            throw new FormatException($"{what}: {pem.Length} characters; at most {LargestCharacters} are read");
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException error)
        {
            throw new FormatException($"{what} is no certificate in PEM: {error.Message}", error);
        }
        return certificates.Count > 0 ? certificates : throw new FormatException($"{what} holds no certificate in PEM");
    }

    /// <summary>The first certificate of a text.</summary>
    public static X509Certificate2 One(string pem, string what) => Many(pem, what)[0];

    /// <summary>An ECDSA key.</summary>
    public static ECDsa Key(string pem, string what)
    {
        var key = ECDsa.Create();
        try
        {
            if (pem.Length > LargestCharacters)
                throw new FormatException($"{what}: {pem.Length} characters; at most {LargestCharacters} are read");
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException or FormatException or NotSupportedException)
        {
            key.Dispose();
            throw new FormatException($"{what} is no ECDSA key in PEM (BEGIN PRIVATE KEY or BEGIN EC PRIVATE KEY, not encrypted)");
        }
    }

    /// <summary>Certificates as one text.</summary>
    public static string Of(IEnumerable<X509Certificate2> certificates) =>
        string.Join('\n', certificates.Select(certificate => certificate.ExportCertificatePem())) + "\n";

    internal static bool Belong(X509Certificate2 certificate, ECDsa key)
    {
        try
        {
            using var certified = certificate.GetECDsaPublicKey();
            return certified is not null && certified.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo());
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException or NotSupportedException)
        {
            throw new FormatException($"the certificate's key cannot be read: {error.Message}", error);
        }
    }
}
