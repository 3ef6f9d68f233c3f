using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Berth.Telemetry;

/// <summary>Serves a few pages over HTTP/1.1 on a unix socket or on loopback: GET and nothing else, one request a connection.</summary>
/// <remarks>For programs without a web server. Who asks is on this host; he is not trusted to be quick or brief.</remarks>
public sealed class PageServer : IAsyncDisposable
{
    private const int LongestRequest = 8 << 10;
    private const int MostConnections = 16;
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly IReadOnlyDictionary<string, Func<string>> _pages;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _places = new(MostConnections);
    private readonly Task _accepting;

    private PageServer(Socket socket, IReadOnlyDictionary<string, Func<string>> pages, ILogger log)
    {
        (_socket, _pages, _log) = (socket, pages, log);
        _accepting = AcceptAsync();
    }

    /// <summary>Listens.</summary>
    /// <param name="address">A unix socket's path, which is made anew for its owner only, or a loopback address.</param>
    /// <param name="pages">Texts by path.</param>
    /// <param name="log">Where requests that fail are told.</param>
    /// <exception cref="IOException">The address is taken, or cannot be used.</exception>
    public static PageServer Listen(EndPoint address, IReadOnlyDictionary<string, Func<string>> pages, ILogger log)
    {
        if (address is IPEndPoint ip && !IPAddress.IsLoopback(ip.Address))
            throw new ArgumentException($"{address} can be reached from other hosts", nameof(address));
        var isUnix = address is UnixDomainSocketEndPoint;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (isUnix)
                File.Delete(address.ToString()!);
            socket.Bind(address);
            if (isUnix)
                File.SetUnixFileMode(address.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(MostConnections);
            return new PageServer(socket, pages, log);
        }
        catch (SocketException taken)
        {
            socket.Dispose();
            throw new IOException($"cannot listen on {address}: {taken.Message}", taken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _places.WaitAsync(_stopping.Token).ConfigureAwait(false);
                _ = ServeAsync(await _socket.AcceptAsync(_stopping.Token).ConfigureAwait(false));
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            if (!_stopping.IsCancellationRequested)
                _log.LogError("metrics are served no more: {Reason}", over.Message);
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        limit.CancelAfter(RequestTime);
        try
        {
            using var stream = new NetworkStream(connection, ownsSocket: true);
            var line = await RequestLineAsync(stream, limit.Token).ConfigureAwait(false);
            await stream.WriteAsync(Answer(line), limit.Token).ConfigureAwait(false);
            connection.Shutdown(SocketShutdown.Send);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            _log.LogDebug("a request for metrics was not answered: {Reason}", gone.Message);
        }
        finally
        {
            _places.Release();
        }
    }

    // The whole head is read: a connection that is closed with unread bytes is reset, and the answer lost with it.
    private static async Task<string> RequestLineAsync(NetworkStream stream, CancellationToken cancellation)
    {
        var head = new byte[LongestRequest];
        var length = 0;
        while (length < head.Length && head.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
        {
            var read = await stream.ReadAsync(head.AsMemory(length), cancellation).ConfigureAwait(false);
            if (read == 0)
                break;
            length += read;
        }
        var text = Encoding.ASCII.GetString(head, 0, length);
        return text.Split("\r\n", 2)[0];
    }

    private byte[] Answer(string requestLine)
    {
        if (requestLine.Split(' ') is not ["GET", var target, ['H', 'T', 'T', 'P', '/', '1', '.', ..]])
            return Answer("400 Bad Request", "text/plain; charset=utf-8", "only GET over HTTP/1 is answered here\n");
        if (!_pages.TryGetValue(target.Split('?')[0], out var page))
            return Answer("404 Not Found", "text/plain; charset=utf-8", $"there is {string.Join(", ", _pages.Keys)}\n");
        return Answer("200 OK", PrometheusText.ContentType, page());
    }

    private static byte[] Answer(string status, string type, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var head = string.Create(
            CultureInfo.InvariantCulture, $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {bytes.Length}\r\nConnection: close\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. bytes];
    }
}
