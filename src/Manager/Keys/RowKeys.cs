using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Berth.Manager.Keys;

/// <summary>Seals what the store writes and opens what it reads, under the keys of a ring that may change while it runs.</summary>
/// <remarks>A sealed row: format (1 byte), key id (8), salt (16), nonce (12), text, tag (16). The kind of row is bound to it:
/// a snapshot's chunk is never taken for a commit.</remarks>
public sealed class RowKeys
{
    /// <summary>Bytes that sealing adds to a row.</summary>
    public const int Overhead = HeaderBytes + RowCipher.TagBytes;

    private const byte Format = 1;
    private const int SaltAt = 1 + sizeof(ulong);
    private const int NonceAt = SaltAt + RowCipher.SaltBytes;
    private const int HeaderBytes = NonceAt + RowCipher.NonceBytes;

    // Rows of so many earlier processes are read without deriving again; a journal has rows of few.
    private const int MostReaders = 64;

    private readonly string _place;
    private readonly ConcurrentDictionary<(KeyId Key, UInt128 Salt), RowCipher> _readers = [];
    private volatile KeyRing _ring;
    private volatile RowCipher _writer;

    /// <summary>Uses <paramref name="ring"/>.</summary>
    /// <param name="ring">The keys.</param>
    /// <param name="place">For people: the file they are kept in.</param>
    public RowKeys(KeyRing ring, string place)
    {
        (_ring, _place) = (ring, place);
        _writer = RowCipher.Create(ring.Current);
    }

    /// <summary>The keys in use.</summary>
    public KeyRing Ring => _ring;

    /// <summary>Uses another ring from now on. Rows being sealed right now may still name the earlier current key.</summary>
    public void Use(KeyRing ring)
    {
        _ring = ring;
        if (_writer.Key.Id != ring.Current.Id)
            _writer = RowCipher.Create(ring.Current);
        _readers.Clear();
    }

    /// <summary>The sealed row of <paramref name="message"/>, written and encrypted in the one array that is returned.</summary>
    /// <param name="kind">What kind of row it is; opening needs the same.</param>
    /// <param name="message">Its content.</param>
    public byte[] Seal(string kind, IMessage message)
    {
        var writer = Writer();
        var row = new byte[Overhead + message.CalculateSize()];
        row[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(row.AsSpan(1), writer.Key.Id.Value);
        writer.Salt.CopyTo(row.AsSpan(SaltAt));
        var text = row.AsSpan(HeaderBytes..^RowCipher.TagBytes);
        message.WriteTo(text);
        Span<byte> bound = stackalloc byte[Encoding.UTF8.GetMaxByteCount(kind.Length)];
        writer.Seal(
            row.AsSpan(NonceAt, RowCipher.NonceBytes), text, row.AsSpan(^RowCipher.TagBytes..), bound[..Encoding.UTF8.GetBytes(kind, bound)]);
        return row;
    }

    /// <summary>Reads a row that was sealed as <paramref name="kind"/>.</summary>
    /// <exception cref="InvalidDataException">Its key is missing or wrong, or it is damaged; the message says which key and what to do.</exception>
    public T Open<T>(string kind, byte[] row, MessageParser<T> parser)
        where T : IMessage<T>
    {
        if (row.Length < Overhead || row[0] != Format)
            throw new InvalidDataException($"a row ({kind}) of {row.Length} bytes is damaged, or a newer version of berth-manager sealed it; restore a backup, or start that version");
        var id = new KeyId(BinaryPrimitives.ReadUInt64LittleEndian(row.AsSpan(1)));
        var reader = Reader(id, row.AsSpan(SaltAt, RowCipher.SaltBytes), kind);
        var length = row.Length - Overhead;
        var rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> bound = stackalloc byte[Encoding.UTF8.GetMaxByteCount(kind.Length)];
            reader.Open(
                row.AsSpan(NonceAt, RowCipher.NonceBytes), row.AsSpan(HeaderBytes, length), row.AsSpan(^RowCipher.TagBytes..),
                rented.AsSpan(0, length), bound[..Encoding.UTF8.GetBytes(kind, bound)]);
            return parser.ParseFrom(rented.AsSpan(0, length));
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new InvalidDataException(
                $"a row ({kind}) that names data key {id} does not open with the key of that id in '{_place}': the row was changed, or the key is not the cluster's. "
                + $"Copy '{_place}' from another manager, or restore a backup with berth-manager restore");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }
    }

    private RowCipher Writer()
    {
        var writer = _writer;
        if (writer.IsWornOut)
            _writer = writer = RowCipher.Create(writer.Key);
        return writer;
    }

    private RowCipher Reader(KeyId id, ReadOnlySpan<byte> salt, string kind)
    {
        var name = (id, BinaryPrimitives.ReadUInt128LittleEndian(salt));
        if (_readers.TryGetValue(name, out var reader))
            return reader;
        var key = _ring.Find(id) ?? throw new InvalidDataException(
            $"a row ({kind}) is sealed under data key {id}, which '{_place}' lacks (it has {string.Join(", ", _ring.Keys.Select(each => each.Id))}). "
            + $"Copy '{_place}' from another manager of the cluster, or restore a backup with berth-manager restore");
        if (_readers.Count >= MostReaders)
            _readers.Clear();
        return _readers[name] = new RowCipher(key, salt);
    }
}
