using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Berth.Identity;

/// <summary>Files that nobody but their owner may read, replaced whole.</summary>
public static class PrivateText
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int ReadOnlyCloseOnExec = 0x80000;

    /// <summary>Replaces a file as a whole and durably: readers see the earlier text or this one, also after a crash or a power
    /// loss. The directory is made with mode 0700 when it is missing.</summary>
    public static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    /// <summary>The same with any content.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        var draft = $"{path}.{Environment.ProcessId}.new";
        // One that a crash left may have another mode.
        File.Delete(draft);
        try
        {
            using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            // A full disk is not made fuller, and no piece of a secret is left lying about.
            File.Delete(draft);
            throw;
        }
        SyncDirectory(directory);
    }

    /// <summary>Makes names that were made, renamed or deleted in <paramref name="directory"/> durable: without it a power loss
    /// brings back what was replaced, such as the key by which a cluster knows a node.</summary>
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
