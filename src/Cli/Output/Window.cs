using System.Runtime.InteropServices;

namespace Berth.Cli.Output;

/// <summary>A terminal's size, asked of the kernel: <see cref="Console"/> would set up its own terminal handling for it.</summary>
/// <param name="Rows">Lines.</param>
/// <param name="Columns">Characters in a line.</param>
internal readonly partial record struct Window(int Rows, int Columns)
{
    private const nuint GetWindowSize = 0x5413; // TIOCGWINSZ

    /// <summary>The size of the terminal behind <paramref name="descriptor"/>; null when it is none or has no size.</summary>
    public static Window? Size(int descriptor)
    {
        var size = new WinSize();
        return Ioctl(descriptor, GetWindowSize, ref size) == 0 && size is { Rows: > 0, Columns: > 0 }
            ? new Window(size.Rows, size.Columns)
            : null;
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Ioctl(int descriptor, nuint request, ref WinSize size);

    [StructLayout(LayoutKind.Sequential)]
    private struct WinSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort PixelsX;
        public ushort PixelsY;
    }
}
