using System.Buffers.Binary;

namespace Berth.Agent.Names;

/// <summary>A question, read from a packet.</summary>
/// <param name="Id">The client's number for it.</param>
/// <param name="IsRecursionDesired">Copied into the answer.</param>
/// <param name="Name">In lower case, without the last dot.</param>
/// <param name="Type">Of <see cref="DnsCode"/>.</param>
/// <param name="Class">1 is the internet.</param>
/// <param name="QuestionEnd">Where in the packet the question ends.</param>
/// <param name="OfferedSize">Longest datagram the client says it takes; null when it says nothing.</param>
internal readonly record struct DnsQuery(
    ushort Id, bool IsRecursionDesired, string Name, ushort Type, ushort Class, int QuestionEnd, ushort? OfferedSize)
{
    private const byte PointerBits = 0xc0;
    private const byte IsAnswer = 0x80;
    private const byte OperationBits = 0x78;
    private const int RecordLength = 10;

    /// <summary>How long an answer to it may be.</summary>
    public int Limit(bool isTcp) =>
        isTcp ? DnsCode.LongestMessage : Math.Clamp((int)(OfferedSize ?? DnsCode.ShortMessage), DnsCode.ShortMessage, DnsCode.LongestDatagram);

    /// <summary>Reads a packet; never throws.</summary>
    /// <param name="packet">What came.</param>
    /// <param name="query">The question.</param>
    /// <returns>0, an error to answer with, or null for what deserves no answer.</returns>
    public static byte? Read(ReadOnlySpan<byte> packet, out DnsQuery query)
    {
        query = default;
        if (packet.Length < DnsCode.HeaderLength || (packet[2] & IsAnswer) != 0)
            return null;
        query = new DnsQuery(BinaryPrimitives.ReadUInt16BigEndian(packet), (packet[2] & 1) != 0, "", 0, 0, DnsCode.HeaderLength, null);
        if ((packet[2] & OperationBits) != 0)
            return DnsCode.NotImplemented;
        if (BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != 1 || ReadName(packet, DnsCode.HeaderLength, out var end) is not { } name
            || packet.Length < end + 4)
            return DnsCode.Malformed;
        query = query with
        {
            Name = name,
            Type = BinaryPrimitives.ReadUInt16BigEndian(packet[end..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(packet[(end + 2)..]),
            QuestionEnd = end + 4,
        };
        if (!ReadOffer(packet, end + 4, out var offered))
            return DnsCode.Malformed;
        query = query with { OfferedSize = offered };
        return DnsCode.Done;
    }

    // Names in questions are never shortened.
    private static string? ReadName(ReadOnlySpan<byte> packet, int at, out int end)
    {
        Span<char> text = stackalloc char[DnsCode.LongestName];
        var length = 0;
        end = at;
        while (end < packet.Length)
        {
            var label = packet[end++];
            if (label == 0)
                return new string(text[..Math.Max(0, length - 1)]);
            if (label > DnsCode.LongestLabel || end + label > packet.Length || length + label + 1 > DnsCode.LongestName)
                return null;
            foreach (var letter in packet.Slice(end, label))
                text[length++] = Letter(letter);
            text[length++] = '.';
            end += label;
        }
        return null;
    }

    // A dot within a label is none between labels: no name of ours has it.
    private static char Letter(byte letter) => letter switch
    {
        (byte)'.' => '\ufffd',
        >= (byte)'A' and <= (byte)'Z' => (char)(letter + 32),
        _ => (char)letter,
    };

    private static bool ReadOffer(ReadOnlySpan<byte> packet, int at, out ushort? offered)
    {
        offered = null;
        var records = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) + BinaryPrimitives.ReadUInt16BigEndian(packet[8..])
            + BinaryPrimitives.ReadUInt16BigEndian(packet[10..]);
        for (; records > 0; records--)
        {
            if (!SkipName(packet, ref at) || packet.Length < at + RecordLength)
                return false;
            if (BinaryPrimitives.ReadUInt16BigEndian(packet[at..]) == DnsCode.Options)
                offered = BinaryPrimitives.ReadUInt16BigEndian(packet[(at + 2)..]);
            at += RecordLength + BinaryPrimitives.ReadUInt16BigEndian(packet[(at + 8)..]);
            if (at > packet.Length)
                return false;
        }
        return true;
    }

    private static bool SkipName(ReadOnlySpan<byte> packet, ref int at)
    {
        while (at < packet.Length)
        {
            var label = packet[at++];
            if (label == 0)
                return true;
            if ((label & PointerBits) == PointerBits)
                return ++at <= packet.Length;
            at += label;
        }
        return false;
    }
}
