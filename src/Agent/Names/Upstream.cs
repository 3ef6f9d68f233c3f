using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Berth.Agent.Names;

/// <summary>Asks the host's own servers what is not ours.</summary>
/// <remarks>Each question has a socket of its own, and so a port that nobody can guess.</remarks>
internal sealed class Upstream(Func<ImmutableArray<IPAddress>> servers, TimeProvider time, int port = 53)
{
    private const int MostOpen = 2000;
    private const int Rounds = 2;
    private const int TcpPrefix = 2;
    private const byte CodeBits = 0x0f;

    // Clients give up after five seconds; each server gets its chance before.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1200);

    private int _open;

    /// <summary>The answer to a packet, with the client's number; null when no server gave one.</summary>
    /// <param name="packet">The question.</param>
    /// <param name="questionEnd">Where in it the question ends.</param>
    /// <param name="isTcp">Whether it is asked by TCP, for answers too long for a datagram.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<byte[]?> AskAsync(ReadOnlyMemory<byte> packet, int questionEnd, bool isTcp, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _open) > MostOpen)
        {
            Interlocked.Decrement(ref _open);
            return null;
        }
        try
        {
            byte[]? refusal = null;
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var server in servers())
                {
                    var answer = await TryAsync(packet, questionEnd, server, isTcp, cancellation).ConfigureAwait(false);
                    if (answer is null)
                        continue;
                    if ((answer[3] & CodeBits) is DnsCode.Done or DnsCode.NoSuchName)
                        return answer;
                    refusal ??= answer;
                }
                // All that answered know nothing: asking again changes nothing.
                if (refusal is not null)
                    break;
            }
            return refusal;
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task<byte[]?> TryAsync(ReadOnlyMemory<byte> packet, int questionEnd, IPAddress server, bool isTcp, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            var question = packet.ToArray();
            BinaryPrimitives.WriteUInt16BigEndian(question, (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1));
            var answer = isTcp
                ? await ByTcpAsync(question, questionEnd, server, ending.Token).ConfigureAwait(false)
                : await ByUdpAsync(question, questionEnd, server, ending.Token).ConfigureAwait(false);
            if (answer is not null)
                packet.Span[..2].CopyTo(answer);
            return answer;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return null;
        }
    }

    private async Task<byte[]?> ByUdpAsync(byte[] question, int questionEnd, IPAddress server, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(new IPEndPoint(server, port), cancellation).ConfigureAwait(false);
        await socket.SendAsync(question, cancellation).ConfigureAwait(false);
        var buffer = new byte[4096];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
            if (IsAnswer(question, questionEnd, buffer.AsSpan(0, length)))
                return buffer[..length];
        }
    }

    private async Task<byte[]?> ByTcpAsync(byte[] question, int questionEnd, IPAddress server, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(server, port), cancellation).ConfigureAwait(false);
        var framed = new byte[TcpPrefix + question.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed, TcpPrefix);
        using var stream = new NetworkStream(socket);
        await stream.WriteAsync(framed, cancellation).ConfigureAwait(false);
        var prefix = new byte[TcpPrefix];
        await stream.ReadExactlyAsync(prefix, cancellation).ConfigureAwait(false);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        await stream.ReadExactlyAsync(answer, cancellation).ConfigureAwait(false);
        return IsAnswer(question, questionEnd, answer) ? answer : null;
    }

    /// <summary>Whether a packet answers exactly this question; anything else is somebody's guess.</summary>
    public static bool IsAnswer(ReadOnlySpan<byte> question, int questionEnd, ReadOnlySpan<byte> answer)
    {
        if (answer.Length < DnsCode.HeaderLength || (answer[2] & 0x80) == 0 || !answer[..2].SequenceEqual(question[..2]))
            return false;
        // A server that understood nothing may leave the question out.
        if (BinaryPrimitives.ReadUInt16BigEndian(answer[4..]) == 0)
            return (answer[3] & CodeBits) != DnsCode.Done;
        return answer.Length >= questionEnd && System.Text.Ascii.EqualsIgnoreCase(
            answer[DnsCode.HeaderLength..questionEnd], question[DnsCode.HeaderLength..questionEnd])
            || answer.Length >= questionEnd && answer[DnsCode.HeaderLength..questionEnd].SequenceEqual(question[DnsCode.HeaderLength..questionEnd]);
    }
}
