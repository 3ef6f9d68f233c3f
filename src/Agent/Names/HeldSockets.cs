using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Names;

/// <summary>The sockets on which names are asked for. A small process besides the agent has them too, so that they stay open while the agent is
/// restarted: questions wait in them, and the next agent takes them over and answers.</summary>
/// <remarks>The process is <c>sleep</c>. It ends by itself a quarter of an hour after the last agent did.</remarks>
internal sealed partial class HeldSockets
{
    private const string Mark = "BERTH_HOLDS";
    private const string PidFile = "names.holder";
    private const int HeldSeconds = 900;
    private const int QueueBytes = 4 * 1024 * 1024;
    private const int Backlog = 512;
    private const int IpLevel = 0;
    private const int FreeBind = 15;
    private const int SetDescriptorFlags = 2;
    private const int CloseOnExec = 1;
    private const long OpenProcess = 434;
    private const long TakeDescriptor = 438;

    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(HeldSeconds / 3);

    private readonly string _directory;
    private readonly ILogger _log;
    private readonly TimeProvider _time;

    private HeldSockets(Socket datagrams, Socket listener, bool areTaken, string directory, ILogger log, TimeProvider time)
    {
        (Datagrams, Listener, AreTaken, _directory, _log, _time) = (datagrams, listener, areTaken, directory, log, time);
        // .NET finds a taken socket as the agent before left it, and refuses calls that could wait on it. An answer that cannot be sent at once is lost.
        Datagrams.Blocking = false;
    }

    /// <summary>For UDP.</summary>
    public Socket Datagrams { get; }

    /// <summary>For TCP.</summary>
    public Socket Listener { get; }

    /// <summary>Whether they are those of an earlier agent.</summary>
    public bool AreTaken { get; }

    /// <summary>Takes over those that an earlier agent left, or makes new ones. The address need not be there yet.</summary>
    /// <param name="address">Where names are asked for.</param>
    /// <param name="directory">The agent's data directory.</param>
    /// <param name="log">The agent's log.</param>
    /// <param name="time">The agent's clock.</param>
    /// <exception cref="SocketException">Somebody else has the port.</exception>
    public static HeldSockets Open(IPEndPoint address, string directory, ILogger log, TimeProvider time)
    {
        if (Holder(directory) is { } holder && Take(holder, address) is { } taken)
            return new HeldSockets(taken.Datagrams, taken.Listener, areTaken: true, directory, log, time);
        var datagrams = Make(SocketType.Dgram, ProtocolType.Udp, address);
        datagrams.ReceiveBufferSize = QueueBytes;
        var listener = Make(SocketType.Stream, ProtocolType.Tcp, address);
        listener.Listen(Backlog);
        return new HeldSockets(datagrams, listener, areTaken: false, directory, log, time);
    }

    /// <summary>Keeps a holder beside the agent until it is cancelled, and then leaves it there.</summary>
    public async Task HoldAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var old = Holder(_directory);
            if (Start() is { } holder)
            {
                // Whole, or not at all: an agent that dies here finds the old one's number or the new one's.
                var path = Path.Combine(_directory, PidFile);
                await File.WriteAllTextAsync(path + ".new", holder.ToString(CultureInfo.InvariantCulture), cancellation).ConfigureAwait(false);
                File.Move(path + ".new", path, overwrite: true);
                End(old);
            }
            await Task.Delay(Renewal, _time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the holder of a directory, if there is one: nobody will take the sockets over.</summary>
    public static void Release(string directory) => End(Holder(directory));

    private static Socket Make(SocketType type, ProtocolType protocol, IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, type, protocol);
        socket.SetRawSocketOption(IpLevel, FreeBind, BitConverter.GetBytes(1));
        if (type == SocketType.Stream)
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(address);
        return socket;
    }

    // A program gets every descriptor that does not say otherwise; ours say so but for this moment.
    private int? Start()
    {
        try
        {
            Share(0);
            var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec setsid sleep {HeldSeconds} </dev/null >/dev/null 2>&1"]) { WorkingDirectory = "/" };
            start.Environment[Mark] = _directory;
            using var process = Process.Start(start);
            return process?.Id;
        }
        catch (System.ComponentModel.Win32Exception absent)
        {
            _log.LogWarning("names will not be answered while the agent is restarted: {Reason}", absent.Message);
            return null;
        }
        finally
        {
            Share(CloseOnExec);
        }
    }

    private void Share(int flag)
    {
        foreach (var socket in new[] { Datagrams, Listener })
            _ = SetFlags((int)socket.Handle, SetDescriptorFlags, flag);
    }

    // The number in the file may be another process's by now.
    private static int? Holder(string directory)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(directory, PidFile));
            return int.TryParse(text, CultureInfo.InvariantCulture, out var pid)
                && File.ReadAllText($"/proc/{pid}/environ").Split('\0').Contains($"{Mark}={directory}") ? pid : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static (Socket Datagrams, Socket Listener)? Take(int holder, IPEndPoint address)
    {
        var process = (int)SystemCall(OpenProcess, holder, 0, 0);
        if (process < 0)
            return null;
        Socket? datagrams = null, listener = null;
        foreach (var entry in Directory.EnumerateFileSystemEntries($"/proc/{holder}/fd"))
        {
            if (Taken(process, entry) is not { } socket)
                continue;
            if (!address.Equals(socket.LocalEndPoint))
                socket.Dispose();
            else if (socket.SocketType == SocketType.Dgram)
                datagrams = socket;
            else
                listener = socket;
        }
        _ = Close(process);
        if (datagrams is not null && listener is not null)
            return (datagrams, listener);
        datagrams?.Dispose();
        listener?.Dispose();
        return null;
    }

    private static Socket? Taken(int process, string entry)
    {
        if (new FileInfo(entry).LinkTarget is not { } target || !target.StartsWith("socket:", StringComparison.Ordinal))
            return null;
        var descriptor = (int)SystemCall(TakeDescriptor, process, int.Parse(Path.GetFileName(entry), CultureInfo.InvariantCulture), 0);
        if (descriptor < 0)
            return null;
        try
        {
            return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        }
        catch (SocketException)
        {
            // A socket of another kind: not ours.
            return null;
        }
    }

    private static void End(int? holder)
    {
        if (holder is null)
            return;
        try
        {
            using var process = Process.GetProcessById(holder.Value);
            process.Kill();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial long SystemCall(long number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetFlags(int descriptor, int command, nint flag);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
