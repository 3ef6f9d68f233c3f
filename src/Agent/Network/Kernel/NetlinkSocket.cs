using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Agent.Network.Kernel;

/// <summary>The kernel refused something.</summary>
/// <param name="code">Its error number.</param>
/// <param name="message">For people.</param>
internal sealed class NetlinkException(int code, string message) : IOException(message)
{
    /// <summary>The kernel's error number.</summary>
    public int Code { get; } = code;
}

/// <summary>A conversation with the network stack of the namespace in which it was opened; usable from any thread, one at a time.</summary>
internal sealed class NetlinkSocket : IDisposable
{
    private const int RawSocketCloseOnExec = 0x80003;
    private const int NetlinkOptions = 270;
    private const int ShortAnswers = 10;
    private const int ExplainedErrors = 11;
    private const int HeaderLength = 16;
    private const ushort ShortAnswer = 0x100;
    private const ushort Explained = 0x200;

    private readonly int _socket;
    private readonly Lock _lock = new();
    private readonly byte[] _buffer = new byte[256 * 1024];
    private uint _sequence;

    private NetlinkSocket(int socket) => _socket = socket;

    /// <summary>Opens one in the calling thread's network namespace.</summary>
    /// <param name="protocol">Which part of the kernel; 0 is routing, 12 the packet filter.</param>
    public static NetlinkSocket Open(int protocol = 0)
    {
        var socket = Libc.Socket(Libc.NetlinkFamily, RawSocketCloseOnExec, protocol);
        if (socket < 0)
            throw new NetlinkException(Marshal.GetLastPInvokeError(), $"open a netlink socket: {Libc.LastError}");
        var on = 1;
        _ = Libc.SetOption(socket, NetlinkOptions, ShortAnswers, ref on, sizeof(int));
        _ = Libc.SetOption(socket, NetlinkOptions, ExplainedErrors, ref on, sizeof(int));
        return new NetlinkSocket(socket);
    }

    /// <summary>Asks the kernel to do something and waits for its answer.</summary>
    /// <param name="message">What; made with <see cref="Flag.Acknowledge"/>.</param>
    /// <param name="what">For people.</param>
    public void Do(NetlinkMessage message, string what)
    {
        lock (_lock)
        {
            Send(message, what);
            Read(what, (_, _) => { });
        }
    }

    /// <summary>As <see cref="Do"/>; an error of one of these numbers is as good as success.</summary>
    public void Do(NetlinkMessage message, string what, params ReadOnlySpan<int> accepted)
    {
        try
        {
            Do(message, what);
        }
        catch (NetlinkException refused) when (Contains(accepted, refused.Code))
        {
            // What was to be is so already.
        }
    }

    /// <summary>Reads all the kernel has of a kind.</summary>
    /// <param name="message">What; made with <see cref="Flag.Dump"/>.</param>
    /// <param name="fixedLength">Length of each entry's fixed part.</param>
    /// <param name="what">For people.</param>
    public List<NetlinkAttributes> List(NetlinkMessage message, int fixedLength, string what)
    {
        var found = new List<NetlinkAttributes>();
        lock (_lock)
        {
            Send(message, what);
            Read(what, (_, content) => found.Add(NetlinkAttributes.Read(content, fixedLength)));
        }
        return found;
    }

    /// <summary>Asks the kernel and hands on each message of its answer as it is.</summary>
    /// <param name="message">What.</param>
    /// <param name="what">For people.</param>
    /// <param name="take">Takes a message's kind and content.</param>
    public void Each(NetlinkMessage message, string what, MessageReader take)
    {
        lock (_lock)
        {
            Send(message, what);
            Read(what, take);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _ = Libc.Close(_socket);

    private static bool Contains(ReadOnlySpan<int> accepted, int code) => accepted.Contains(code);

    private void Send(NetlinkMessage message, string what)
    {
        var bytes = message.Finish(++_sequence);
        if (Libc.Send(_socket, ref MemoryMarshal.GetReference(bytes), bytes.Length, 0) < 0)
            throw new NetlinkException(Marshal.GetLastPInvokeError(), $"{what}: {Libc.LastError}");
    }

    // Until the kernel's acknowledgement, or the end of its list.
    private void Read(string what, MessageReader take)
    {
        while (true)
        {
            var received = (int)Libc.Receive(_socket, ref MemoryMarshal.GetReference(_buffer.AsSpan()), _buffer.Length, 0);
            if (received < 0)
                throw new NetlinkException(Marshal.GetLastPInvokeError(), $"{what}: {Libc.LastError}");
            for (var rest = _buffer.AsSpan(0, received); rest.Length >= HeaderLength;)
            {
                var length = (int)MemoryMarshal.Read<uint>(rest);
                if (length < HeaderLength || length > rest.Length)
                    throw new NetlinkException((int)SocketError.MessageSize, $"{what}: the kernel's answer was cut off");
                var (kind, flags) = (MemoryMarshal.Read<ushort>(rest[4..]), MemoryMarshal.Read<ushort>(rest[6..]));
                var content = rest[HeaderLength..length];
                if (MemoryMarshal.Read<uint>(rest[8..]) == _sequence)
                {
                    if (kind == Message.Done)
                        return;
                    if (kind == Message.Error)
                    {
                        Check(content, flags, what);
                        return;
                    }
                    take(kind, content);
                }
                rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
            }
        }
    }

    /// <summary>Takes a message's kind and content.</summary>
    public delegate void MessageReader(ushort kind, ReadOnlySpan<byte> content);

    private static void Check(ReadOnlySpan<byte> content, ushort flags, string what)
    {
        var code = -MemoryMarshal.Read<int>(content);
        if (code == 0)
            return;
        var explained = "";
        const int failed = 4 + HeaderLength;
        if ((flags & Explained) != 0 && content.Length > failed)
        {
            var skipped = (flags & ShortAnswer) != 0 ? failed : 4 + (int)MemoryMarshal.Read<uint>(content[4..]);
            explained = NetlinkAttributes.Read(content[Math.Min(skipped, content.Length)..], 0).Text(1);
        }
        var reason = Marshal.GetPInvokeErrorMessage(code);
        throw new NetlinkException(code, string.Create(CultureInfo.InvariantCulture, $"{what}: {reason}{(explained.Length > 0 ? $" ({explained})" : "")}"));
    }
}
