using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Berth.Agent.Network.Kernel;

namespace Berth.Agent.Balance;

// Numbers of the kernel's headers linux/netfilter/{nfnetlink,nf_tables,nfnetlink_conntrack}.h; they never change.

/// <summary>Messages to the kernel's packet filter.</summary>
internal static class Netfilter
{
    /// <summary>The kernel's number for this kind of socket.</summary>
    public const int Protocol = 12;

    public const int FixedLength = 4;
    public const ushort Tables = 10 << 8;
    public const ushort Connections = 1 << 8;

    public const ushort GetRules = Tables | 7;
    public const ushort GetElements = Tables | 13;
    public const ushort GetGeneration = Tables | 16;
    public const ushort GetConnections = Connections | 1;
    public const ushort DeleteConnection = Connections | 2;

    private const byte Ipv4 = 2;

    /// <summary>A message about IPv4.</summary>
    public static NetlinkMessage Message(ushort kind, ushort flags) => new NetlinkMessage(kind, flags).Put([Ipv4, 0, 0, 0]);
}

/// <summary>Walks the attributes of a message, also of those that occur more than once.</summary>
internal ref struct AttributeWalk(ReadOnlySpan<byte> rest)
{
    private const int Header = 4;
    private const ushort KindMask = 0x3fff;
    private ReadOnlySpan<byte> _rest = rest;

    /// <summary>The attribute's number.</summary>
    public ushort Kind { get; private set; }

    /// <summary>Its value.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Goes on to the next; false at the end, or where what follows is not one.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < Header)
            return false;
        var length = MemoryMarshal.Read<ushort>(_rest);
        if (length < Header || length > _rest.Length)
            return false;
        Kind = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & KindMask);
        Value = _rest[Header..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }

    /// <summary>The value of the first attribute of a kind; empty when there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort kind)
    {
        var walk = new AttributeWalk(attributes);
        while (walk.MoveNext())
        {
            if (walk.Kind == kind)
                return walk.Value;
        }
        return default;
    }

    /// <summary>A number as netfilter writes it; 0 when there is none.</summary>
    public static uint Number(ReadOnlySpan<byte> value) => value.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;
}
