using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Berth.Manager.Keys;

/// <summary>What an administrator keeps outside the cluster to unlock restarted managers: <c>BERTHKEY-1-</c> and 256 random bits
/// in base32.</summary>
public sealed class UnlockKey
{
    private const string Prefix = "BERTHKEY-1-";
    private const int SecretBytes = 32;
    private const int NameBytes = 4;
    private const string Digits = "abcdefghijklmnopqrstuvwxyz234567";
    private const int SecretDigits = ((SecretBytes * 8) + 4) / 5;

    private static readonly byte[] WrapPurpose = [.. "berth unlock 1"u8];
    private static readonly byte[] NamePurpose = [.. "berth unlock name 1"u8];

    private readonly byte[] _secret;

    private UnlockKey(byte[] secret) => _secret = secret;

    /// <summary>Tells keys from one another without saying anything of them: 8 hexadecimal digits.</summary>
    public string Name
    {
        get
        {
            Span<byte> name = stackalloc byte[NameBytes];
            HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, name, [], NamePurpose);
            return Convert.ToHexStringLower(name);
        }
    }

    /// <summary>A new one, from the system's random source.</summary>
    public static UnlockKey Create() => new(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Reads what <see cref="Format"/> wrote.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out UnlockKey? key)
    {
        key = null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || text.Length != Prefix.Length + SecretDigits)
            return false;
        var secret = new byte[SecretBytes];
        var (bits, held, at) = (0, 0, 0);
        foreach (var digit in text.AsSpan(Prefix.Length))
        {
            var value = Digits.IndexOf(digit, StringComparison.Ordinal);
            if (value < 0)
                return false;
            (bits, held) = ((bits << 5) | value, held + 5);
            if (held < 8)
                continue;
            held -= 8;
            secret[at++] = (byte)(bits >> held);
            bits &= (1 << held) - 1;
        }
        // What is left over says nothing and is zero: each key has one spelling.
        key = bits == 0 ? new UnlockKey(secret) : null;
        return key is not null;
    }

    /// <summary>Its text, for people to keep. Never logged; <see cref="ToString"/> says only its name.</summary>
    public string Format()
    {
        var text = new char[SecretDigits];
        var (bits, held, at) = (0, 0, 0);
        foreach (var part in _secret)
        {
            (bits, held) = ((bits << 8) | part, held + 8);
            while (held >= 5)
            {
                held -= 5;
                text[at++] = Digits[bits >> held];
                bits &= (1 << held) - 1;
            }
        }
        if (held > 0)
            text[at] = Digits[bits << (5 - held)];
        return Prefix + new string(text);
    }

    /// <summary>The key that wraps the data keys, for a salt.</summary>
    internal AesGcm Wrapping(ReadOnlySpan<byte> salt)
    {
        Span<byte> derived = stackalloc byte[DataKey.SecretBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, derived, salt, WrapPurpose);
        var wrapping = new AesGcm(derived, RowCipher.TagBytes);
        CryptographicOperations.ZeroMemory(derived);
        return wrapping;
    }

    /// <inheritdoc/>
    public override string ToString() => $"unlock key {Name}";
}
