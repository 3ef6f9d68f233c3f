using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;

namespace Berth.Agent.Names;

/// <summary>One record of an answer: exactly one of its kinds.</summary>
/// <param name="Address">An address (A).</param>
/// <param name="Target">A name: of an address (PTR) or of a server (SRV).</param>
/// <param name="Port">The server's port; 0 when it is no server.</param>
internal readonly record struct DnsRecord(IPAddress? Address, string? Target = null, int Port = 0)
{
    public ushort Type => Address is not null ? DnsCode.Address : Port == 0 ? DnsCode.Pointer : DnsCode.Server;
}

/// <summary>Writes answers.</summary>
internal static class DnsReply
{
    private const int NamePointer = 0xc000 | DnsCode.HeaderLength;
    private const int RecordHead = 12;
    private const int OptionsLength = 11;

    // An answer, and from who knows; whoever asks for it gets recursion.
    private const ushort Flags = 0x8480;
    private const ushort RecursionDesired = 0x0100;
    private const ushort Truncated = 0x0200;

    /// <summary>Writes an answer with as many records as fit; where they do not all, it says so.</summary>
    /// <param name="packet">The packet with the question.</param>
    /// <param name="query">What was read from it.</param>
    /// <param name="code">0, or an error of <see cref="DnsCode"/>.</param>
    /// <param name="records">The records.</param>
    /// <param name="limit">Longest answer.</param>
    /// <param name="into">Where it is written; at least <see cref="DnsCode.ShortMessage"/> long.</param>
    /// <returns>Its length.</returns>
    public static int Write(ReadOnlySpan<byte> packet, in DnsQuery query, byte code, ReadOnlySpan<DnsRecord> records, int limit, Span<byte> into)
    {
        var isAsked = query.QuestionEnd > DnsCode.HeaderLength;
        into[..DnsCode.HeaderLength].Clear();
        packet[DnsCode.HeaderLength..query.QuestionEnd].CopyTo(into[DnsCode.HeaderLength..]);
        var room = Math.Min(limit, into.Length) - (query.OfferedSize is null ? 0 : OptionsLength);
        var (at, written) = (query.QuestionEnd, 0);
        foreach (var record in records)
        {
            if (at + RecordHead + DataLength(record) > room)
                break;
            at += WriteRecord(record, into[at..]);
            written++;
        }
        if (query.OfferedSize is not null)
            at += WriteOptions(into[at..]);
        var flags = Flags | code | (query.IsRecursionDesired ? RecursionDesired : 0) | (written < records.Length ? Truncated : 0);
        BinaryPrimitives.WriteUInt16BigEndian(into, query.Id);
        BinaryPrimitives.WriteUInt16BigEndian(into[2..], (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(into[4..], (ushort)(isAsked ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(into[6..], (ushort)written);
        BinaryPrimitives.WriteUInt16BigEndian(into[10..], (ushort)(query.OfferedSize is null ? 0 : 1));
        return at;
    }

    /// <summary>Whether a record can hold the name.</summary>
    public static bool CanHold(string name)
    {
        if (name.Length is 0 or > DnsCode.LongestName - 2 || !System.Text.Ascii.IsValid(name))
            return false;
        foreach (var label in name.AsSpan().Split('.'))
        {
            var (_, length) = label.GetOffsetAndLength(name.Length);
            if (length is 0 or > DnsCode.LongestLabel)
                return false;
        }
        return true;
    }

    private static int DataLength(in DnsRecord record) => record.Type switch
    {
        DnsCode.Address => 4,
        DnsCode.Pointer => NameLength(record.Target!),
        _ => 6 + NameLength(record.Target!),
    };

    private static int WriteRecord(in DnsRecord record, Span<byte> into)
    {
        var length = DataLength(record);
        BinaryPrimitives.WriteUInt16BigEndian(into, NamePointer);
        BinaryPrimitives.WriteUInt16BigEndian(into[2..], record.Type);
        BinaryPrimitives.WriteUInt16BigEndian(into[4..], DnsCode.Internet);
        // What is true now may be wrong in a second: nobody shall keep it.
        BinaryPrimitives.WriteUInt32BigEndian(into[6..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(into[10..], (ushort)length);
        var data = into[RecordHead..];
        if (record.Address is { } address)
        {
            address.TryWriteBytes(data, out _);
        }
        else if (record.Port == 0)
        {
            WriteName(record.Target!, data);
        }
        else
        {
            data[..4].Clear();
            BinaryPrimitives.WriteUInt16BigEndian(data[4..], (ushort)record.Port);
            WriteName(record.Target!, data[6..]);
        }
        return RecordHead + length;
    }

    private static int WriteOptions(Span<byte> into)
    {
        into[..OptionsLength].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(into[1..], DnsCode.Options);
        BinaryPrimitives.WriteUInt16BigEndian(into[3..], DnsCode.LongestDatagram);
        return OptionsLength;
    }

    private static int NameLength(string name) => name.Length + 2;

    private static void WriteName(string name, Span<byte> into)
    {
        var at = 0;
        foreach (var label in name.AsSpan().Split('.'))
        {
            var letters = name.AsSpan()[label];
            into[at++] = (byte)letters.Length;
            foreach (var letter in letters)
                into[at++] = (byte)letter;
        }
        into[at] = 0;
    }
}
