using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Manager.Backups;

/// <summary>A backup's encryption: AES-256-GCM frames under a key made from the passphrase. Each frame's number and whether it is the
/// last are part of its nonce: frames can be neither moved, nor left out, nor cut off at the end.</summary>
/// <remarks>Header: <c>BERTHBAK</c>, format (2 bytes), iterations (4), salt (16), check of the passphrase (16). Frame: length (4, the
/// highest bit set in the last), text, tag (16). Numbers are big-endian.</remarks>
internal sealed class BackupSeal : IDisposable
{
    public const int HeaderBytes = 46;
    public const int LengthBytes = 4;
    public const int TagBytes = 16;

    /// <summary>A frame is at most so long: a damaged length must not make anybody ask for the memory.</summary>
    public const int LargestFrame = 64 << 20;

    /// <summary>Shorter passphrases are guessed, whatever is made of them.</summary>
    public const int ShortestPassphrase = 8;

    private const ushort Format = 1;

    // What OWASP recommends for PBKDF2 with SHA-512 is less than half of it.
    private const int Iterations = 600_000;
    private const int MostIterations = 100_000_000;
    private const int FormatAt = 8;
    private const int IterationsAt = 10;
    private const int SaltAt = 14;
    private const int CheckAt = 30;
    private const int KeyBytes = 32;
    private const int CheckBytes = 16;
    private const uint Last = 1u << 31;

    private readonly byte[] _header;
    private readonly AesGcm _aes;
    private ulong _frames;

    private BackupSeal(byte[] header, AesGcm aes) => (_header, _aes) = (header, aes);

    private static ReadOnlySpan<byte> Mark => "BERTHBAK"u8;

    /// <summary>The header, as it stands at the beginning.</summary>
    public ReadOnlyMemory<byte> Header => _header;

    /// <summary>For a new backup.</summary>
    public static BackupSeal Create(string passphrase)
    {
        var header = new byte[HeaderBytes];
        Mark.CopyTo(header);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(FormatAt), Format);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(IterationsAt), Iterations);
        RandomNumberGenerator.Fill(header.AsSpan(SaltAt, CheckAt - SaltAt));
        return Derive(header, passphrase, Iterations, isNew: true)!;
    }

    /// <summary>For a backup that begins with <paramref name="header"/>.</summary>
    /// <exception cref="BackupException">It is no backup, is of a newer version, or has another passphrase.</exception>
    public static BackupSeal Open(byte[] header, string passphrase)
    {
        if (header.Length < HeaderBytes || !header.AsSpan().StartsWith(Mark))
            throw new BackupException("this is no backup of Berth: its beginning is another");
        if (BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(FormatAt)) is var format && format != Format)
            throw new BackupException($"the backup has format {format}, this berth-manager knows {Format}; use the version that made it, or a newer one");
        var iterations = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(IterationsAt));
        if (iterations is < Iterations or > MostIterations)
            throw new BackupException("the backup's header is damaged; take another copy of the file");
        return Derive(header, passphrase, (int)iterations, isNew: false)
            ?? throw new BackupException("the passphrase is wrong (or the backup's header is damaged)");
    }

    /// <summary>The next frame.</summary>
    public byte[] Seal(ReadOnlySpan<byte> text, bool isLast)
    {
        var frame = new byte[LengthBytes + text.Length + TagBytes];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)text.Length | (isLast ? Last : 0));
        Span<byte> nonce = stackalloc byte[12];
        Number(nonce, isLast);
        _aes.Encrypt(nonce, text, frame.AsSpan(LengthBytes, text.Length), frame.AsSpan(^TagBytes..), _header);
        return frame;
    }

    /// <summary>How many bytes of text follow, and whether it is the last frame.</summary>
    public static (long Length, bool IsLast) ReadLength(ReadOnlySpan<byte> length)
    {
        var value = BinaryPrimitives.ReadUInt32BigEndian(length);
        return (value & ~Last, (value & Last) != 0);
    }

    /// <summary>Opens the next frame where it stands.</summary>
    /// <exception cref="BackupException">It is damaged, or is not the next one.</exception>
    public void Open(Span<byte> text, ReadOnlySpan<byte> tag, bool isLast)
    {
        Span<byte> nonce = stackalloc byte[12];
        Number(nonce, isLast);
        try
        {
            _aes.Decrypt(nonce, text, tag, text, _header);
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new BackupException($"the backup is damaged in part {_frames}: it was changed, or parts were moved; take another copy of the file");
        }
    }

    public void Dispose() => _aes.Dispose();

    private static BackupSeal? Derive(byte[] header, string passphrase, int iterations, bool isNew)
    {
        var derived = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.UTF8.GetBytes(passphrase), header.AsSpan(SaltAt, CheckAt - SaltAt), iterations, HashAlgorithmName.SHA512, KeyBytes + CheckBytes);
        try
        {
            var check = header.AsSpan(CheckAt, CheckBytes);
            if (isNew)
                derived.AsSpan(KeyBytes).CopyTo(check);
            else if (!CryptographicOperations.FixedTimeEquals(derived.AsSpan(KeyBytes), check))
                return null;
            return new BackupSeal(header, new AesGcm(derived.AsSpan(0, KeyBytes), TagBytes));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(derived);
        }
    }

    private void Number(Span<byte> nonce, bool isLast)
    {
        nonce[0] = isLast ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], ++_frames);
    }
}

/// <summary>A backup cannot be read; the message says why.</summary>
public sealed class BackupException(string message) : Exception(message);
