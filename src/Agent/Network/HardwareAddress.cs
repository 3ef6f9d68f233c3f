using System.Globalization;
using System.Net;

namespace Berth.Agent.Network;

/// <summary>An Ethernet address.</summary>
/// <param name="Value">Its 48 bits, the first byte in the highest.</param>
public readonly record struct HardwareAddress(ulong Value)
{
    private const int Length = 6;

    /// <summary>Locally administered, and so nobody's card.</summary>
    private const ulong Own = 0x0262_0000_0000;

    /// <summary>The overlay device of the host that others reach at <paramref name="underlay"/>: nobody needs to be told of it.</summary>
    public static HardwareAddress OfUnderlay(IPAddress underlay) => new(Own | Ipv4.ToNumber(underlay));

    /// <summary>A container's end of a veth, from its address in the network.</summary>
    public static HardwareAddress OfContainer(IPAddress address) => new(Own | 0x0800_0000_0000 | Ipv4.ToNumber(address));

    /// <summary>The host's end of every veth: each is alone with its container.</summary>
    public static HardwareAddress OfHostEnd { get; } = new(0x0662_0000_0001);

    /// <summary>Reads six bytes.</summary>
    public static HardwareAddress Read(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        foreach (var part in bytes[..Length])
            value = value << 8 | part;
        return new HardwareAddress(value);
    }

    /// <summary>Six bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        for (var at = 0; at < Length; at++)
            bytes[at] = (byte)(Value >> (8 * (Length - 1 - at)));
        return bytes;
    }

    /// <summary>Such as <c>02:62:0a:ca:00:0b</c>.</summary>
    public override string ToString() => string.Join(':', ToBytes().Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
}

/// <summary>IPv4 addresses as numbers.</summary>
public static class Ipv4
{
    /// <summary>An address as a number.</summary>
    public static uint ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length) && length == 4
            ? System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : throw new ArgumentException($"{address} is not an IPv4 address", nameof(address));
    }

    /// <summary>A number as an address.</summary>
    public static IPAddress ToAddress(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }

    /// <summary>The overlay address of a node.</summary>
    /// <param name="pool">The cluster's pool.</param>
    /// <param name="number">The node's number.</param>
    public static IPAddress OfNode(IPNetwork pool, int number) => ToAddress(ToNumber(pool.BaseAddress) + (uint)number);
}
