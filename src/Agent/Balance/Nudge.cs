using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Berth.Agent.Balance;

/// <summary>Makes the ends of a forgotten TCP connection notice: a client that only waits would wait for ever.</summary>
/// <remarks>It gets a segment that fits nothing, in the name of what it called. It answers such a one with what it has, and that answer, of which the kernel
/// no longer knows to whom it belongs, is refused with a reset that fits.</remarks>
internal static class Nudge
{
    /// <summary>Bytes of the packet.</summary>
    public const int Length = IpHeader + TcpHeader;

    private const int IpHeader = 20;
    private const int TcpHeader = 20;
    private const byte TimeToLive = 64;
    private const byte Acknowledge = 0x10;

    /// <summary>A socket for such packets, of the calling thread's network namespace.</summary>
    public static Socket Open() => new(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw) { Blocking = false };

    /// <summary>Sends one.</summary>
    /// <param name="socket">Of <see cref="Open"/>.</param>
    /// <param name="connection">The forgotten connection.</param>
    public static void Send(Socket socket, Connection connection)
    {
        Span<byte> packet = stackalloc byte[Length];
        Write(packet, connection.Called, connection.Client, (uint)RandomNumberGenerator.GetInt32(int.MaxValue));
        try
        {
            socket.SendTo(packet, new IPEndPoint(connection.Client.Address, 0));
        }
        catch (SocketException)
        {
            // The client is out of reach: nobody is left who waits.
        }
    }

    /// <summary>Writes the packet.</summary>
    public static void Write(Span<byte> packet, IPEndPoint from, IPEndPoint to, uint sequence)
    {
        packet[..Length].Clear();
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], Length);
        packet[8] = TimeToLive;
        packet[9] = Connection.Tcp;
        from.Address.TryWriteBytes(packet[12..], out _);
        to.Address.TryWriteBytes(packet[16..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], Checksum(packet[..IpHeader], 0));
        var segment = packet[IpHeader..Length];
        BinaryPrimitives.WriteUInt16BigEndian(segment, (ushort)from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(segment[2..], (ushort)to.Port);
        BinaryPrimitives.WriteUInt32BigEndian(segment[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(segment[8..], ~sequence);
        segment[12] = TcpHeader / 4 << 4;
        segment[13] = Acknowledge;
        var pseudo = Sum(packet[12..IpHeader]) + Connection.Tcp + TcpHeader;
        BinaryPrimitives.WriteUInt16BigEndian(segment[16..], Checksum(segment, pseudo));
    }

    /// <summary>The internet checksum; over what carries it, it is 0.</summary>
    public static ushort Checksum(ReadOnlySpan<byte> bytes, uint start)
    {
        var sum = Sum(bytes) + start;
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var at = 0; at + 1 < bytes.Length; at += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
        return sum;
    }
}
