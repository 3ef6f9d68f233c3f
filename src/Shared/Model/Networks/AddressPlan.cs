using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Berth.Model.Networks;

/// <summary>How the pool and a network's addresses are divided: docs/networks.md. IPv4.</summary>
public static class AddressPlan
{
    /// <summary>Of a cluster that nobody decided otherwise for.</summary>
    public static IPNetwork DefaultPool { get; } = IPNetwork.Parse("10.128.0.0/10");

    /// <summary>Prefix of a network that nobody asked a subnet for.</summary>
    public const int DefaultSize = 20;

    /// <summary>Networks with more addresses have no use.</summary>
    public const int LargestNetwork = 12;

    /// <summary>Networks with fewer addresses cannot be divided.</summary>
    public const int SmallestNetwork = 26;

    /// <summary>The pool's first addresses: those of nodes. At most a /16, and a sixteenth of the pool.</summary>
    public static IPNetwork Nodes(IPNetwork pool) => new(pool.BaseAddress, Math.Max(16, pool.PrefixLength + 4));

    /// <summary>How many nodes have a number at most.</summary>
    public static int MostNodes(IPNetwork pool) => (int)Math.Min(65_535, Count(Nodes(pool)) - 1);

    /// <summary>A node's overlay address.</summary>
    public static IPAddress NodeAddress(IPNetwork pool, int number) => Address(First(pool) + (uint)number);

    /// <summary>The addresses of services: the last sixteenth.</summary>
    public static IPNetwork Vips(IPNetwork subnet)
    {
        var prefix = subnet.PrefixLength + 4;
        return new IPNetwork(Address(Last(subnet) - (uint)((1L << (32 - prefix)) - 1)), prefix);
    }

    /// <summary>Prefix of a slice: /26 of a /20, /24 of a /16, /28 of a /24.</summary>
    public static int SlicePrefix(IPNetwork subnet) => Math.Min(30, subnet.PrefixLength + (32 - subnet.PrefixLength) / 2);

    /// <summary>How many tasks a slice serves: its first address is the gateway's, its last is left out.</summary>
    public static int TasksPer(IPNetwork slice) => slice.PrefixLength == 32 ? 1 : (int)Count(slice) - 2;

    /// <summary>A block of a network, by its place.</summary>
    public static IPNetwork Block(IPNetwork of, int prefix, long place) => new(Address((uint)(First(of) + (place << (32 - prefix)))), prefix);

    /// <summary>How many blocks of that prefix a network has.</summary>
    public static long Blocks(IPNetwork of, int prefix) => prefix < of.PrefixLength ? 0 : 1L << (prefix - of.PrefixLength);

    /// <summary>Whether they have an address in common.</summary>
    public static bool Overlap(IPNetwork left, IPNetwork right) => First(left) <= Last(right) && First(right) <= Last(left);

    /// <summary>Whether all of <paramref name="inner"/> is in <paramref name="outer"/>.</summary>
    public static bool Contains(IPNetwork outer, IPNetwork inner) => First(outer) <= First(inner) && Last(inner) <= Last(outer);

    /// <summary>How many addresses it has.</summary>
    public static long Count(IPNetwork network) => 1L << (32 - network.PrefixLength);

    /// <summary>Its first address, as a number.</summary>
    public static uint First(IPNetwork network) => Number(network.BaseAddress);

    /// <summary>Its last address, as a number.</summary>
    public static uint Last(IPNetwork network) => (uint)(First(network) + Count(network) - 1);

    /// <summary>An IPv4 address as a number.</summary>
    public static uint Number(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork)
            throw new ArgumentException($"{address} is not an IPv4 address", nameof(address));
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    /// <summary>The IPv4 address of a number.</summary>
    public static IPAddress Address(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
