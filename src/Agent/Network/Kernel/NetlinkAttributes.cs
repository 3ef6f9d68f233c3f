using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Agent.Network.Kernel;

/// <summary>One message of the kernel's, read: its fixed part, and its attributes by number.</summary>
internal sealed class NetlinkAttributes
{
    private readonly Dictionary<ushort, byte[]> _values = [];

    private NetlinkAttributes(byte[] fixedPart) => Fixed = fixedPart;

    /// <summary>What precedes the attributes.</summary>
    public byte[] Fixed { get; }

    /// <summary>Reads a message without its header.</summary>
    /// <param name="content">The message.</param>
    /// <param name="fixedLength">Length of its fixed part.</param>
    public static NetlinkAttributes Read(ReadOnlySpan<byte> content, int fixedLength)
    {
        var read = new NetlinkAttributes(content[..Math.Min(fixedLength, content.Length)].ToArray());
        for (var rest = content[Math.Min(fixedLength, content.Length)..]; rest.Length >= 4;)
        {
            var length = MemoryMarshal.Read<ushort>(rest);
            if (length < 4 || length > rest.Length)
                break;
            // The two highest bits say how a value is made up.
            read._values[(ushort)(MemoryMarshal.Read<ushort>(rest[2..]) & 0x3fff)] = rest[4..length].ToArray();
            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }
        return read;
    }

    public uint? Number(ushort attribute) => Bytes(attribute) is { Length: >= 4 } bytes ? MemoryMarshal.Read<uint>(bytes) : null;

    public byte? Byte(ushort attribute) => Bytes(attribute) is [var value, ..] ? value : null;

    public string Text(ushort attribute) => Bytes(attribute) is { } bytes ? Encoding.UTF8.GetString(bytes).TrimEnd('\0') : "";

    public IPAddress? Address(ushort attribute) => Bytes(attribute) is { Length: 4 } bytes ? new IPAddress(bytes) : null;

    public HardwareAddress? Hardware(ushort attribute) => Bytes(attribute) is { Length: 6 } bytes ? HardwareAddress.Read(bytes) : null;

    public NetlinkAttributes? Nested(ushort attribute) => Bytes(attribute) is { } bytes ? Read(bytes, 0) : null;

    public byte[]? Bytes(ushort attribute) => _values.GetValueOrDefault(attribute);

    public int Int(int offset) => MemoryMarshal.Read<int>(Fixed.AsSpan(offset));
}
