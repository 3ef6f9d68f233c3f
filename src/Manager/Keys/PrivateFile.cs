using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Berth.Manager.Keys;

/// <summary>Files that only their owner may read, replaced whole.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int ReadOnlyCloseOnExec = 0x80000;

    /// <summary>Replaces the file, durably: after a crash it holds the old content or the new.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".new";
        // One that a crash left may have another mode.
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
        }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes names that were made or renamed in <paramref name="directory"/> durable.</summary>
    public static void SyncDirectory(string directory)
    {
        // .NET opens no directories.
        var opened = OpenToRead(Encoding.UTF8.GetBytes(directory + '\0'), ReadOnlyCloseOnExec);
        if (opened < 0)
            throw new IOException($"the directory '{directory}' cannot be opened to sync it: {Marshal.GetLastPInvokeErrorMessage()}");
        using var handle = new SafeFileHandle(opened, ownsHandle: true);
        RandomAccess.FlushToDisk(handle);
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int OpenToRead(byte[] path, int flags);
}
