using System.Security.Cryptography;
using System.Text;
using Berth.Manager.Keys;

namespace Berth.Manager.Hosting;

/// <summary>Hands the data keys to the process that the supervisor starts in this one's place, when this one ends only because it lost
/// the lead: with autolock it would wait for somebody otherwise, and a busy cluster would lose one manager after the other.</summary>
/// <remarks>Through a file for its owner only, on a file system that is in memory, read once and not later than a minute after. Who could
/// read it could read this process's memory; no disk ever holds it. Where there is no such file system the manager waits to be
/// unlocked.</remarks>
internal static class KeyHandover
{
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(1);
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Leaves the keys of a manager; nothing when its file of keys is not locked anyway.</summary>
    /// <param name="data">Its data directory.</param>
    /// <param name="places">Directories to leave them in; the first that is in memory is taken.</param>
    /// <param name="ring">The keys.</param>
    public static void Leave(string data, IEnumerable<string> places, KeyRing ring)
    {
        if (new KeyFile(data).LockedUnder() is null || places.FirstOrDefault(IsInMemory) is not { } place)
            return;
        var directory = In(place, data);
        Directory.CreateDirectory(directory, OwnerOnly);
        File.SetUnixFileMode(directory, OwnerOnly);
        new KeyFile(directory).Write(ring, null);
    }

    /// <summary>Takes what the process before left, so that nobody takes it again; null when it left nothing, or too long ago.</summary>
    public static KeyRing? Take(string data, IEnumerable<string> places, DateTimeOffset now)
    {
        KeyRing? taken = null;
        foreach (var directory in places.Where(IsInMemory).Select(place => In(place, data)).Where(Directory.Exists))
        {
            try
            {
                var file = new KeyFile(directory);
                if (file.Exists && (now - File.GetLastWriteTimeUtc(file.Path)).Duration() < LongestRest)
                    taken = file.Read(null);
            }
            finally
            {
                Directory.Delete(directory, recursive: true);
            }
        }
        return taken;
    }

    /// <summary>Where a manager's keys may be left: beside its sockets, or where the system keeps what ends with its power.</summary>
    public static IEnumerable<string> Places(ManagerOptions options) =>
        options.Listen.OfType<ListenAddress.Socket>().Select(socket => Path.GetDirectoryName(socket.Path)!).Append("/run/berth").Append("/run");

    private static bool IsInMemory(string directory) => Directory.Exists(directory) && new DriveInfo(directory).DriveFormat is "tmpfs" or "ramfs";

    private static string In(string place, string data) =>
        Path.Combine(place, $"berth-keys-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(data))).AsSpan(0, 8))}");
}
