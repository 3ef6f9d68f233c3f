using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Identity;

/// <summary>What lets a host join: which authority to trust, and the secret of a role. Written
/// <c>BERTH-1-DIGEST-SECRET</c>, both parts in base32.</summary>
/// <remarks><see cref="ToString"/> leaves the secret out, so that no log can hold it by mistake; <see cref="Format"/> writes it.</remarks>
public sealed class JoinToken : IEquatable<JoinToken>
{
    /// <summary>Bytes of a secret: 256 bits.</summary>
    public const int SecretBytes = 32;

    private const string Prefix = "BERTH-1-";
    private const string Form = "a join token is BERTH-1-DIGEST-SECRET as 'berth cluster token' prints it";
    private readonly byte[] _digest;
    private readonly byte[] _secret;

    /// <summary>A token for an authority whose certificate has that digest.</summary>
    public JoinToken(ReadOnlySpan<byte> authorityDigest, ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(authorityDigest.Length, SHA256.HashSizeInBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, SecretBytes);
        _digest = authorityDigest.ToArray();
        _secret = secret.ToArray();
    }

    /// <summary>SHA-256 of the authority's certificate, as tokens write it.</summary>
    public string AuthorityDigest => Base32.Format(_digest);

    /// <summary>The secret of the role it is for.</summary>
    public ReadOnlySpan<byte> Secret => _secret;

    /// <summary>A new secret that nobody can guess.</summary>
    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>A token for <paramref name="authority"/>.</summary>
    public static JoinToken For(X509Certificate2 authority, ReadOnlySpan<byte> secret) =>
        new(SHA256.HashData(authority.RawData), secret);

    /// <summary>SHA-256 of a certificate, as tokens write it.</summary>
    public static string DigestOf(X509Certificate2 authority) => Base32.Format(SHA256.HashData(authority.RawData));

    /// <summary>Whether it is this authority the token names.</summary>
    public bool Pins(X509Certificate2 authority) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(authority.RawData), _digest);

    /// <summary>Whether its secret is <paramref name="secret"/>; takes as long for every wrong one.</summary>
    public bool HasSecret(ReadOnlySpan<byte> secret) => CryptographicOperations.FixedTimeEquals(_secret, secret);

    /// <summary>Reads a token, or throws <see cref="FormatException"/> that says what is wrong and repeats nothing of it.</summary>
    public static JoinToken Parse(string text) =>
        TryParse(text, out var token, out var error) ? token : throw new FormatException(error);

    /// <summary>Reads a token.</summary>
    /// <param name="text">As a person pasted it; spaces around it do not matter.</param>
    /// <param name="token">The token.</param>
    /// <param name="error">What is wrong; it repeats nothing of the token.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out JoinToken? token, [NotNullWhen(false)] out string? error)
    {
        token = null;
        var trimmed = (text ?? "").AsSpan().Trim();
        error = Read(trimmed, out var digest, out var secret);
        if (error is not null)
            return false;
        token = new JoinToken(digest, secret);
        return true;
    }

    private static string? Read(ReadOnlySpan<char> text, out byte[] digest, out byte[] secret)
    {
        digest = new byte[SHA256.HashSizeInBytes];
        secret = new byte[SecretBytes];
        if (text.IsEmpty)
            return $"the join token is empty; {Form}";
        if (text.StartsWith("SWMTKN-", StringComparison.OrdinalIgnoreCase))
            return $"this is a token of Docker Swarm; {Form}";
        if (!text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return text.StartsWith("BERTH-", StringComparison.OrdinalIgnoreCase)
                ? $"the join token is of a form this version does not know; {Form}: use a token of this cluster, or a newer berth"
                : $"this is no join token: it does not begin with {Prefix}; {Form}";
        }
        var rest = text[Prefix.Length..];
        var dash = rest.IndexOf('-');
        if (dash < 0)
            return $"the join token ends after its first part; copy it whole: {Form}";
        return Problem("authority's digest", rest[..dash], digest) ?? Problem("secret", rest[(dash + 1)..], secret);
    }

    private static string? Problem(string what, ReadOnlySpan<char> text, byte[] bytes)
    {
        var length = Base32.LengthOf(bytes.Length);
        if (text.Length != length)
            return $"the join token's {what} has {text.Length} characters, not {length}; copy it whole: {Form}";
        return Base32.TryRead(text, bytes)
            ? null
            : $"the join token's {what} holds a character that tokens do not have (a-z and 2-7 only), or ends in a wrong one; copy it again";
    }

    /// <summary>The whole token, secret included.</summary>
    public string Format() => $"{Prefix}{AuthorityDigest}-{Base32.Format(_secret)}";

    /// <summary>The token without its secret.</summary>
    public override string ToString() => $"{Prefix}{AuthorityDigest}-…";

    /// <inheritdoc/>
    public bool Equals(JoinToken? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(_digest, other._digest) && HasSecret(other._secret);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as JoinToken);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_digest);
}
