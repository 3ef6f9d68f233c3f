using System.Runtime.InteropServices;

namespace Berth.Cli.Commands.Tasks;

/// <summary>Puts the terminal on stdin into raw mode, so that every key goes to the container, and puts it back: on
/// <see cref="Dispose"/>, and at the latest when the process exits.</summary>
internal sealed partial class RawTerminal : IDisposable
{
    private const int Stdin = 0;
    private const int Now = 0; // TCSANOW
    private const int LargestTermios = 256; // struct termios is 60 bytes on Linux; the kernel and libc never write more

    private byte[]? _before;

    private RawTerminal(byte[] before)
    {
        _before = before;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Whether stdin is a terminal.</summary>
    public static bool IsTerminal => GetAttributes(Stdin, new byte[LargestTermios]) == 0;

    /// <summary>Enters raw mode.</summary>
    /// <exception cref="InvalidOperationException">stdin is no terminal.</exception>
    public static RawTerminal Enter()
    {
        var before = new byte[LargestTermios];
        if (GetAttributes(Stdin, before) != 0)
            throw new InvalidOperationException("stdin is not a terminal");
        var raw = (byte[])before.Clone();
        MakeRaw(raw);
        var terminal = new RawTerminal(before);
        if (SetAttributes(Stdin, Now, raw) == 0)
            return terminal;
        terminal.Dispose();
        throw new InvalidOperationException("the terminal cannot be put into raw mode");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _before, null) is not { } before)
            return;
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _ = SetAttributes(Stdin, Now, before);
    }

    private void OnExit(object? sender, EventArgs e) => Dispose();

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int GetAttributes(int descriptor, byte[] termios);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int SetAttributes(int descriptor, int when, byte[] termios);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial void MakeRaw(byte[] termios);
}
