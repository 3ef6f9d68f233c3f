using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>The addresses of a lab: a /24 whose last number is the host's, .254 the switch's and .253 the machine's.</summary>
internal sealed record LabNetwork(byte A, byte B, byte C)
{
    public const int MostHosts = 200;
    private const byte FirstLabSubnet = 210;
    private const byte LastLabSubnet = 249;

    public string Subnet => string.Create(CultureInfo.InvariantCulture, $"{A}.{B}.{C}.0/24");

    public string Switch => Address(254);

    /// <summary>The address this machine has inside the lab, so that curl and browsers here reach the hosts.</summary>
    public string Machine => Address(253);

    public string Address(int number) => string.Create(CultureInfo.InvariantCulture, $"{A}.{B}.{C}.{number}");

    /// <summary>A fixed hardware address per host: a host that boots again is found at once, without waiting for stale ARP entries.</summary>
    public string HardwareAddress(int number) => string.Create(CultureInfo.InvariantCulture, $"02:42:{A:x2}:{B:x2}:{C:x2}:{number:x2}");

    /// <summary>Reads a subnet such as <c>10.210.0.0/24</c>.</summary>
    /// <exception cref="UserError">It is not a private IPv4 /24.</exception>
    public static LabNetwork Parse(string text)
    {
        var parts = text.Split('/');
        if (parts is not [var prefix, "24"] || !IPAddress.TryParse(prefix, out var address) || address.AddressFamily != AddressFamily.InterNetwork)
            throw Wrong(text, "it is not an IPv4 network of 256 addresses");
        var bytes = address.GetAddressBytes();
        if (bytes[3] != 0 || address.ToString() != prefix)
            throw Wrong(text, "its last number is not 0");
        var isPrivate = bytes[0] == 10 || (bytes[0] == 172 && bytes[1] is >= 16 and < 32) || (bytes[0] == 192 && bytes[1] == 168);
        return isPrivate ? new LabNetwork(bytes[0], bytes[1], bytes[2]) : throw Wrong(text, "it is not a private network");
    }

    /// <summary>The first of 10.210.0.0/24 … 10.249.0.0/24 that nobody uses; null when all are taken.</summary>
    public static LabNetwork? FirstFree(IReadOnlyCollection<(IPAddress Address, int PrefixLength)> taken)
    {
        for (var second = FirstLabSubnet; second <= LastLabSubnet; second++)
        {
            var network = new LabNetwork(10, second, 0);
            if (!taken.Any(network.Overlaps))
                return network;
        }
        return null;
    }

    public bool Overlaps((IPAddress Address, int PrefixLength) other)
    {
        if (other.Address.AddressFamily != AddressFamily.InterNetwork)
            return false;
        var bits = Math.Min(24, other.PrefixLength);
        var mask = bits == 0 ? 0u : uint.MaxValue << (32 - bits);
        return (Number([A, B, C, 0]) & mask) == (Number(other.Address.GetAddressBytes()) & mask);
    }

    private static uint Number(ReadOnlySpan<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);

    private static UserError Wrong(string text, string why) => new(
        $"'{text}' cannot be a lab's subnet: {why}", "give a private /24, for example --subnet 10.210.0.0/24", ExitCode.WrongUsage);
}
