using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Agent.Network.Kernel;

/// <summary>A message to the kernel while it is put together: a header, the fixed part of its kind, then attributes.</summary>
internal sealed class NetlinkMessage(ushort kind, ushort flags)
{
    private const int Header = 16;
    private byte[] _buffer = new byte[256];
    private int _length = Header;

    /// <summary>A message about links.</summary>
    /// <param name="kind">Of <see cref="Message"/>.</param>
    /// <param name="flags">Of <see cref="Flag"/>.</param>
    /// <param name="index">Which link; 0 for one that is named, or made.</param>
    /// <param name="state">Flags of the link that are set.</param>
    public static NetlinkMessage Link(ushort kind, ushort flags, int index = 0, uint state = 0) =>
        new NetlinkMessage(kind, flags).Put(Interface(index, state));

    /// <summary>The fixed part of a message, or of a nested description, of a link.</summary>
    public static byte[] Interface(int index, uint state)
    {
        var fixedPart = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(fixedPart.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart.AsSpan(8), state);
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart.AsSpan(12), state);
        return fixedPart;
    }

    /// <summary>Appends bytes as they are, padded to four.</summary>
    public NetlinkMessage Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        return this;
    }

    /// <summary>Appends an attribute.</summary>
    public NetlinkMessage With(ushort attribute, ReadOnlySpan<byte> value)
    {
        var place = Reserve(4 + value.Length);
        MemoryMarshal.Write(place, (ushort)(4 + value.Length));
        MemoryMarshal.Write(place[2..], attribute);
        value.CopyTo(place[4..]);
        return this;
    }

    /// <summary>Appends a number.</summary>
    public NetlinkMessage With(ushort attribute, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        return With(attribute, bytes);
    }

    /// <summary>Appends a number of one byte.</summary>
    public NetlinkMessage With(ushort attribute, byte value) => With(attribute, [value]);

    /// <summary>Appends a text with its closing zero.</summary>
    public NetlinkMessage With(ushort attribute, string text) => With(attribute, Encoding.UTF8.GetBytes(text + '\0'));

    /// <summary>Appends an IPv4 address.</summary>
    public NetlinkMessage With(ushort attribute, IPAddress address) => With(attribute, address.GetAddressBytes());

    /// <summary>Appends a hardware address.</summary>
    public NetlinkMessage With(ushort attribute, HardwareAddress address) => With(attribute, address.ToBytes());

    /// <summary>Appends an attribute that holds others.</summary>
    public NetlinkMessage Nested(ushort attribute, Action<NetlinkMessage> content)
    {
        var begin = _length;
        MemoryMarshal.Write(Reserve(4)[2..], attribute);
        content(this);
        MemoryMarshal.Write(_buffer.AsSpan(begin), (ushort)(_length - begin));
        return this;
    }

    /// <summary>The bytes to send.</summary>
    public ReadOnlySpan<byte> Finish(uint sequence)
    {
        var header = _buffer.AsSpan();
        MemoryMarshal.Write(header, (uint)_length);
        MemoryMarshal.Write(header[4..], kind);
        MemoryMarshal.Write(header[6..], (ushort)(flags | Flag.Request));
        MemoryMarshal.Write(header[8..], sequence);
        return header[.._length];
    }

    private Span<byte> Reserve(int length)
    {
        var padded = (length + 3) & ~3;
        if (_length + padded > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + padded));
        var place = _buffer.AsSpan(_length, padded);
        _length += padded;
        return place;
    }
}
