using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Tests.Integration.Networks;

/// <summary>A network namespace that a test made; sockets opened in it stay in it.</summary>
public sealed partial class TestNamespace : IDisposable
{
    private const int NewNetwork = 0x40000000;

    public TestNamespace(string name)
    {
        Name = name;
        Run("ip", "netns", "add", name);
        In("ip", "link", "set", "lo", "up");
    }

    public string Name { get; }

    public string Path => $"/run/netns/{Name}";

    /// <summary>Runs a program in it.</summary>
    public string In(params string[] line) => Run(["ip", "netns", "exec", Name, .. line]);

    /// <summary>Runs the words of a line in it.</summary>
    public string In(string line) => In(line.Split(' '));

    /// <summary>Calls a function in it; what it opens stays there.</summary>
    public T Inside<T>(Func<T> call)
    {
        T? result = default;
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var entry = File.OpenHandle(Path);
                if (SetNamespace((int)entry.DangerousGetHandle(), NewNetwork) != 0)
                    throw new IOException($"enter {Name}: {Marshal.GetLastPInvokeErrorMessage()}");
                result = call();
            }
            catch (Exception error)
            {
                failed = error;
            }
        });
        thread.Start();
        thread.Join();
        return failed is null ? result! : throw new InvalidOperationException($"in {Name}: {failed.Message}", failed);
    }

    public Socket Socket(SocketType type = SocketType.Stream) =>
        Inside(() => new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp));

    /// <summary>Connects, or says why not.</summary>
    public async Task<(Socket? Socket, SocketError Error)> ConnectAsync(string address, int port, double seconds = 2)
    {
        var socket = Socket();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port), patience.Token);
            return (socket, SocketError.Success);
        }
        catch (SocketException refused)
        {
            socket.Dispose();
            return (null, refused.SocketErrorCode);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            return (null, SocketError.TimedOut);
        }
    }

    /// <summary>What a <see cref="TestServer"/> says: its name and who called.</summary>
    public async Task<string> CallAsync(string address, int port, double seconds = 2)
    {
        var (socket, error) = await ConnectAsync(address, port, seconds);
        if (socket is null)
            return error.ToString();
        using (socket)
            return await HeardAsync(socket);
    }

    /// <summary>The same by UDP.</summary>
    public async Task<string> CallUdpAsync(string address, int port, double seconds = 2)
    {
        using var socket = Socket(SocketType.Dgram);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port), patience.Token);
            await socket.SendAsync(new byte[] { 1 }, patience.Token);
            return await HeardAsync(socket, patience.Token);
        }
        catch (SocketException refused)
        {
            return refused.SocketErrorCode.ToString();
        }
        catch (OperationCanceledException)
        {
            return nameof(SocketError.TimedOut);
        }
    }

    public static async Task<string> HeardAsync(Socket socket, CancellationToken cancellation = default)
    {
        var buffer = new byte[200];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        var length = await socket.ReceiveAsync(buffer, patience.Token);
        return System.Text.Encoding.ASCII.GetString(buffer, 0, length);
    }

    public void Dispose() => Run("ip", "netns", "del", Name);

    public static string Run(params string[] line)
    {
        using var process = Process.Start(new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEnd();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{string.Join(' ', line)}: {errors}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);
}

/// <summary>Answers every caller with its own name and the caller's address, by TCP and UDP; keeps connections open.</summary>
public sealed class TestServer : IDisposable
{
    private readonly Socket _listener;
    private readonly Socket _datagrams;
    private readonly List<Socket> _open = [];
    private readonly string _name;

    public TestServer(TestNamespace place, string name, string address, int port = 80)
    {
        _name = name;
        _listener = place.Socket();
        _listener.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        _listener.Listen(100);
        _datagrams = place.Socket(SocketType.Dgram);
        _datagrams.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        _ = AcceptAsync();
        _ = AnswerAsync();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _datagrams.Dispose();
        lock (_open)
            _open.ForEach(socket => socket.Dispose());
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync();
                lock (_open)
                    _open.Add(socket);
                await socket.SendAsync(Said(socket.RemoteEndPoint!));
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                var asked = await _datagrams.ReceiveFromAsync(new byte[100], new IPEndPoint(IPAddress.Any, 0));
                await _datagrams.SendToAsync(Said(asked.RemoteEndPoint), asked.RemoteEndPoint);
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private byte[] Said(EndPoint caller) => System.Text.Encoding.ASCII.GetBytes($"{_name} {((IPEndPoint)caller).Address}");
}
