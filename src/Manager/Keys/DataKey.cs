using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace Berth.Manager.Keys;

/// <summary>Names a data key: 64 random bits, written as 16 hexadecimal digits.</summary>
public readonly record struct KeyId(ulong Value) : IComparable<KeyId>
{
    /// <summary>Reads 16 hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out KeyId id)
    {
        var isNumber = ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value);
        id = new KeyId(value);
        return isNumber && text!.Length == 16;
    }

    /// <inheritdoc/>
    public int CompareTo(KeyId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>A secret that rows of the store are sealed under. Its text is its id: the secret gets into no log.</summary>
public sealed class DataKey
{
    /// <summary>Bytes of the secret: AES-256.</summary>
    public const int SecretBytes = 32;

    private readonly byte[] _secret;

    /// <summary>A key that exists already.</summary>
    /// <exception cref="ArgumentException">The secret has another length.</exception>
    public DataKey(KeyId id, DateTimeOffset createdAt, ReadOnlySpan<byte> secret)
    {
        if (secret.Length != SecretBytes)
            throw new ArgumentException($"data key {id} has {secret.Length} bytes; a data key has {SecretBytes}", nameof(secret));
        (Id, CreatedAt, _secret) = (id, createdAt, secret.ToArray());
    }

    /// <summary>What rows name it by.</summary>
    public KeyId Id { get; }

    /// <summary>When it was made, by the clock of the manager that made it.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>The secret itself.</summary>
    public ReadOnlySpan<byte> Secret => _secret;

    /// <summary>A new one, from the system's random source.</summary>
    public static DataKey Create(DateTimeOffset now)
    {
        Span<byte> secret = stackalloc byte[SecretBytes];
        RandomNumberGenerator.Fill(secret);
        Span<byte> id = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(id);
        return new DataKey(new KeyId(BitConverter.ToUInt64(id)), now, secret);
    }

    /// <inheritdoc/>
    public override string ToString() => $"data key {Id}";
}
