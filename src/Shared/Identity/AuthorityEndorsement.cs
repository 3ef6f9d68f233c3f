using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Berth.Identity;

/// <summary>An authority's word, signed with its key, that another one follows it: whoever trusts the earlier may trust the later.</summary>
/// <param name="By">Digest of the earlier authority, as join tokens write it.</param>
/// <param name="Of">Digest of the later one.</param>
/// <param name="Signature">ECDSA over SHA-256 (DER), base64.</param>
/// <remarks>A client that was away during a rotation knows the earlier authority only. It needs no more than this to go on.</remarks>
public sealed record AuthorityEndorsement(string By, string Of, string Signature)
{
    private const string Purpose = "Berth: this authority is followed by another\n";

    /// <summary>The word of <paramref name="by"/>.</summary>
    public static AuthorityEndorsement Make(CertificateAuthority by, X509Certificate2 of)
    {
        var (earlier, later) = (JoinToken.DigestOf(by.Certificate), JoinToken.DigestOf(of));
        return new AuthorityEndorsement(earlier, later, Convert.ToBase64String(by.SignText(Text(earlier, later))));
    }

    /// <summary>Whether <paramref name="authority"/> signed it.</summary>
    public bool IsBy(X509Certificate2 authority)
    {
        if (By != JoinToken.DigestOf(authority))
            return false;
        try
        {
            using var key = authority.GetECDsaPublicKey();
            return key is not null && key.VerifyData(Text(By, Of), Convert.FromBase64String(Signature), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception error) when (error is FormatException or CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Whom to trust from now on of those the cluster trusts now; null when nobody among them is new and vouched for.</summary>
    /// <param name="trusted">Whom one trusts.</param>
    /// <param name="current">Whom the cluster says it trusts.</param>
    /// <param name="earlier">Whom it trusted before: their word may be needed in between.</param>
    /// <param name="endorsements">Who vouches for whom.</param>
    /// <param name="now">The word of an authority that has expired counts for nothing.</param>
    public static X509Certificate2Collection? Follow(
        X509Certificate2Collection trusted, X509Certificate2Collection current, X509Certificate2Collection earlier,
        IEnumerable<AuthorityEndorsement> endorsements, DateTimeOffset now)
    {
        var known = new Dictionary<string, X509Certificate2>();
        foreach (var authority in trusted)
            known.TryAdd(JoinToken.DigestOf(authority), authority);
        var words = endorsements.ToList();
        var offered = current.Concat(earlier).ToLookup(JoinToken.DigestOf);
        // Each turn believes one authority more: there are no more turns than authorities.
        while (words.FirstOrDefault(word => !known.ContainsKey(word.Of) && offered.Contains(word.Of)
            && known.TryGetValue(word.By, out var by) && IsValid(by, now) && word.IsBy(by)) is { } word)
            known.Add(word.Of, offered[word.Of].First());
        var believed = current.Where(authority => known.ContainsKey(JoinToken.DigestOf(authority))).ToArray();
        var before = trusted.Select(JoinToken.DigestOf).ToHashSet();
        return believed.All(authority => before.Contains(JoinToken.DigestOf(authority))) ? null : [.. believed];
    }

    private static bool IsValid(X509Certificate2 authority, DateTimeOffset now) =>
        now.UtcDateTime >= authority.NotBefore.ToUniversalTime() && now.UtcDateTime <= authority.NotAfter.ToUniversalTime();

    private static byte[] Text(string by, string of) => Encoding.ASCII.GetBytes($"{Purpose}{by}\n{of}\n");
}
