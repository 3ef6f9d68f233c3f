using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Manager.Hosting;

/// <summary>The file of a unix socket: before it is bound, and after.</summary>
internal static class SocketFile
{
    private const uint NothingForOthers = 0b000_000_111;

    private const UnixFileMode OwnerAndGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private const UnixFileMode OwnerAndGroupDirectory =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    /// <summary>Makes the directory, and removes what a manager that died left behind.</summary>
    /// <exception cref="StartRefusedException">Somebody listens there, or it is no socket.</exception>
    public static void Prepare(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerAndGroupDirectory);
            if (!Path.Exists(path))
                return;
            if (IsAnswering(path))
                throw new StartRefusedException($"somebody listens on '{path}' already; stop that manager, or choose another socket with --listen");
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"the socket '{path}' cannot be made: {error.Message}; choose another with --listen");
        }
    }

    /// <summary>From now on whatever this process makes is closed to others from its first moment: a socket that is bound is
    /// open before <see cref="Restrict"/> can narrow it.</summary>
    public static void CloseToOthers() => _ = Mask(NothingForOthers);

    /// <summary>Lets owner and group connect, nobody else.</summary>
    public static void Restrict(string path) => File.SetUnixFileMode(path, OwnerAndGroup);

    [DllImport("libc", EntryPoint = "umask")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint Mask(uint rights);

    private static bool IsAnswering(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            return false;
        }
        catch (SocketException error)
        {
            throw new StartRefusedException($"'{path}' exists and is no socket of a stopped manager ({error.Message}); remove it, or choose another with --listen");
        }
    }

    // connect() also says "refused" of a plain file, which is not ours to delete.
    private static bool IsSocket(string path) =>
        (File.GetAttributes(path) & (FileAttributes.Directory | FileAttributes.ReparsePoint)) == 0 && new FileInfo(path).Length == 0
        && !IsReadable(path);

    private static bool IsReadable(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            return true;
        }
        catch (IOException)
        {
            // Opening a socket as a file fails with ENXIO, whoever asks.
            return false;
        }
    }
}
