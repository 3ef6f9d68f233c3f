using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Berth.Agent.Network;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Names;

/// <summary>Answers containers' questions for names, by UDP and TCP, on sockets that others made and may go on to hold.</summary>
internal sealed class NameServer(IPlane plane, Upstream upstream, Random random, ILogger log, TimeProvider time)
{
    private const int MostConnections = 500;
    private const int TcpPrefix = 2;
    private const int ReplyLength = 4096;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AfterError = TimeSpan.FromMilliseconds(100);

    private volatile NameTable _table = NameTable.From(PlaneState.Empty);
    private int _connections;

    /// <summary>Answers until it is cancelled.</summary>
    /// <param name="datagrams">Bound.</param>
    /// <param name="listener">Listens.</param>
    /// <param name="cancellation">Ends it; the sockets stay open.</param>
    public async Task RunAsync(Socket datagrams, Socket listener, CancellationToken cancellation)
    {
        var seen = plane.State;
        _table = NameTable.From(seen);
        // Without a thread of the pool in between, one core answers twice as many.
        await Task.WhenAll(FollowAsync(seen, cancellation), Task.Run(() => ReceiveAsync(datagrams, cancellation), cancellation), AcceptAsync(listener, cancellation))
            .ConfigureAwait(false);
    }

    private async Task FollowAsync(PlaneState seen, CancellationToken cancellation)
    {
        while (true)
        {
            await plane.ChangedAsync(seen, cancellation).ConfigureAwait(false);
            seen = plane.State;
            _table = NameTable.From(seen);
        }
    }

    private async Task ReceiveAsync(Socket socket, CancellationToken cancellation)
    {
        var packet = GC.AllocateArray<byte>(DnsCode.LongestMessage, pinned: true);
        var reply = GC.AllocateArray<byte>(ReplyLength, pinned: true);
        var from = new SocketAddress(AddressFamily.InterNetwork);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var length = await socket.ReceiveFromAsync(packet, SocketFlags.None, from, cancellation).ConfigureAwait(false);
                var client = AddressOf(from);
                if (Answer(packet.AsSpan(0, length), client, isTcp: false, reply, out var query) is not { } answer)
                    _ = ForwardAsync(socket, packet.AsSpan(0, length).ToArray(), query, Copy(from), cancellation);
                else if (answer > 0)
                    socket.SendTo(reply.AsSpan(0, answer), SocketFlags.None, from);
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                // Whatever one container sends must not end the answers for all. Also: a client that vanished while it was answered.
                log.LogDebug("a question for a name was not answered: {Reason}", error.Message);
            }
        }
    }

    // 0: deserves no answer. Null: the host's servers are to be asked.
    private int? Answer(ReadOnlySpan<byte> packet, IPAddress client, bool isTcp, Span<byte> reply, out DnsQuery query)
    {
        if (DnsQuery.Read(packet, out query) is not { } code)
            return 0;
        if (code == DnsCode.Done && query.Class != DnsCode.Internet)
            code = DnsCode.Refused;
        if (code != DnsCode.Done)
        {
            NameMetrics.Answered(code);
            return DnsReply.Write(packet, query, code, [], query.Limit(isTcp), reply);
        }
        var table = _table;
        var answer = NameAnswer.Of(table, table.AskerOf(client), query.Name, query.Type, random);
        if (answer.IsForwarded)
            return null;
        NameMetrics.Answered(answer.Code);
        return DnsReply.Write(packet, query, answer.Code, answer.Records.AsSpan(), query.Limit(isTcp), reply);
    }

    private async Task ForwardAsync(Socket socket, byte[] packet, DnsQuery query, SocketAddress client, CancellationToken cancellation)
    {
        try
        {
            var answer = await ForwardedAsync(packet, query, isTcp: false, cancellation).ConfigureAwait(false);
            await socket.SendToAsync(answer, SocketFlags.None, client, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The agent ends; its successor answers when the client asks again.
        }
        catch (SocketException error)
        {
            log.LogDebug("an answer for {Name} was not sent: {Reason}", query.Name, error.Message);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ForwardedAsync(byte[] packet, DnsQuery query, bool isTcp, CancellationToken cancellation)
    {
        var answer = await upstream.AskAsync(packet, query.QuestionEnd, isTcp, cancellation).ConfigureAwait(false);
        NameMetrics.Forwarded(answer is not null);
        if (answer is not null && (isTcp || answer.Length <= query.Limit(isTcp)))
            return answer;
        // Nobody answered; or the answer is too long, and the client asks again by TCP.
        var reply = new byte[DnsCode.ShortMessage];
        var length = DnsReply.Write(packet, query, answer is null ? DnsCode.Failed : DnsCode.Done, [], DnsCode.ShortMessage, reply);
        if (answer is not null)
            reply[2] |= 2;
        return reply.AsMemory(0, length);
    }

    private async Task AcceptAsync(Socket listener, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptAsync(cancellation).ConfigureAwait(false);
                if (Interlocked.Increment(ref _connections) > MostConnections)
                {
                    Interlocked.Decrement(ref _connections);
                    client.Dispose();
                    continue;
                }
                _ = ServeAsync(client, cancellation);
            }
            catch (SocketException error) when (!cancellation.IsCancellationRequested)
            {
                log.LogDebug("a connection for names was not accepted: {Reason}", error.Message);
                await Task.Delay(AfterError, time, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken cancellation)
    {
        try
        {
            using var stream = new NetworkStream(client, ownsSocket: true);
            client.NoDelay = true;
            var from = (client.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            while (await ServeOneAsync(stream, from, cancellation).ConfigureAwait(false))
            {
                // One client may ask many questions on a connection, one after the other.
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            log.LogDebug("a connection for names ended: {Reason}", error.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task<bool> ServeOneAsync(NetworkStream stream, IPAddress from, CancellationToken cancellation)
    {
        using var idle = new CancellationTokenSource(Idle, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellation);
        var prefix = new byte[TcpPrefix];
        if (await stream.ReadAtLeastAsync(prefix, TcpPrefix, throwOnEndOfStream: false, ending.Token).ConfigureAwait(false) < TcpPrefix)
            return false;
        var packet = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        await stream.ReadExactlyAsync(packet, ending.Token).ConfigureAwait(false);
        var reply = new byte[DnsCode.LongestMessage];
        var answer = Answer(packet, from, isTcp: true, reply, out var query);
        if (answer == 0)
            return false;
        var message = answer is { } length ? reply.AsMemory(0, length) : await ForwardedAsync(packet, query, isTcp: true, cancellation).ConfigureAwait(false);
        var framed = new byte[TcpPrefix + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.Span.CopyTo(framed.AsSpan(TcpPrefix));
        await stream.WriteAsync(framed, cancellation).ConfigureAwait(false);
        return true;
    }

    // Family, port, address: as the kernel lays them out.
    private static IPAddress AddressOf(SocketAddress from) => new(from.Buffer.Span.Slice(4, 4));

    private static SocketAddress Copy(SocketAddress from)
    {
        var copy = new SocketAddress(from.Family, from.Buffer.Length);
        from.Buffer.CopyTo(copy.Buffer);
        copy.Size = from.Size;
        return copy;
    }
}
