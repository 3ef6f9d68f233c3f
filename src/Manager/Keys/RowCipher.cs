using System.Security.Cryptography;

namespace Berth.Manager.Keys;

/// <summary>AES-256-GCM under a secret that is derived from a data key and a salt. Any thread may use it.</summary>
/// <remarks>Each process seals under salts of its own, and each row has a random nonce: a nonce would have to come twice
/// within one process's <see cref="MostRows"/> rows to harm anything.</remarks>
internal sealed class RowCipher
{
    public const int SaltBytes = 16;
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    // The chance that any two of so many random nonces of 96 bits are equal is below 2^-48.
    private const long MostRows = 1L << 24;

    private static readonly byte[] Purpose = [.. "berth row 1"u8];

    private readonly Lock _gate = new();
    private readonly AesGcm _aes;
    private readonly byte[] _salt;
    private long _rows;

    public RowCipher(DataKey key, ReadOnlySpan<byte> salt)
    {
        Key = key;
        _salt = salt.ToArray();
        Span<byte> derived = stackalloc byte[DataKey.SecretBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret, derived, salt, Purpose);
        _aes = new AesGcm(derived, TagBytes);
        CryptographicOperations.ZeroMemory(derived);
    }

    public DataKey Key { get; }

    public ReadOnlySpan<byte> Salt => _salt;

    /// <summary>Whether it has sealed as many rows as one salt may.</summary>
    public bool IsWornOut => Interlocked.Read(ref _rows) >= MostRows;

    public static RowCipher Create(DataKey key)
    {
        Span<byte> salt = stackalloc byte[SaltBytes];
        RandomNumberGenerator.Fill(salt);
        return new RowCipher(key, salt);
    }

    /// <summary>Encrypts <paramref name="text"/> where it stands.</summary>
    public void Seal(Span<byte> nonce, Span<byte> text, Span<byte> tag, ReadOnlySpan<byte> bound)
    {
        RandomNumberGenerator.Fill(nonce);
        Interlocked.Increment(ref _rows);
        lock (_gate)
            _aes.Encrypt(nonce, text, text, tag, bound);
    }

    /// <exception cref="AuthenticationTagMismatchException">It was sealed under another secret, or changed since.</exception>
    public void Open(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> tag, Span<byte> text, ReadOnlySpan<byte> bound)
    {
        lock (_gate)
            _aes.Decrypt(nonce, sealedText, tag, text, bound);
    }
}
