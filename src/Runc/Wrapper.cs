using System.Runtime.InteropServices;
using System.Text.Encodings.Web;

namespace Berth.Runc;

/// <summary>The runtime <c>berth</c>: runc, but that a container joins the network namespace which the agent made for it. There is no
/// other way to start one: without such a namespace it refuses.</summary>
internal static partial class Wrapper
{
    /// <summary>Where agents keep namespaces: a folder each, in it each by its container's id.</summary>
    private const string Namespaces = "/run/berth/netns";

    private static readonly string[] Folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Becomes runc; returns, with an exit code, only when that cannot be.</summary>
    public static int Run(string[] arguments)
    {
        var call = RuncCall.Parse(arguments);
        try
        {
            if (call.MakesContainer)
                Join(call);
            return Fail(call, $"runc cannot be run: {Become(arguments)}");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return Fail(call, refused.Message);
        }
    }

    private static void Join(RuncCall call)
    {
        var bundle = Path.Combine(call.Bundle ?? ".", "config.json");
        var space = Find(call.Container)
            ?? throw new IOException($"no agent made a network namespace '{Namespaces}/*/{call.Container}': containers of the runtime berth are started by berth-agent only");
        try
        {
            var joined = BundleConfig.JoinNetwork(File.ReadAllBytes(bundle), space);
            File.WriteAllBytes(bundle + ".berth", joined);
            File.Move(bundle + ".berth", bundle, overwrite: true);
        }
        catch (InvalidDataException unfit)
        {
            throw new IOException($"'{bundle}' cannot be used: {unfit.Message}", unfit);
        }
    }

    private static string? Find(string container)
    {
        var isName = container.Length > 0 && container.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_');
        return isName && Directory.Exists(Namespaces)
            ? Directory.EnumerateDirectories(Namespaces).Select(folder => Path.Combine(folder, container)).FirstOrDefault(File.Exists)
            : null;
    }

    private static string Become(string[] arguments)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(Folders)
            .Select(folder => Path.Combine(folder, "runc")).FirstOrDefault(File.Exists);
        if (path is null)
            return "no program of that name is on the PATH";
        // The runtime of .NET ignores broken pipes; what is ignored stays so in whatever is started later.
        Restore(BrokenPipe, 0);
        Execute(path, ["runc", .. arguments, null]);
        return $"{path}: {Marshal.GetLastPInvokeErrorMessage()}";
    }

    // The caller shows the last line of its log file, which is JSON, and where it has none what was written to standard error.
    private static int Fail(RuncCall call, string reason)
    {
        Console.Error.WriteLine($"berth-runc: {reason}");
        if (call.Log is { } log)
        {
            try
            {
                File.AppendAllText(log, $"{{\"level\":\"error\",\"msg\":\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode($"berth-runc: {reason}")}\"}}\n");
            }
            catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"berth-runc: '{log}' cannot be written: {unwritable.Message}");
            }
        }
        return 1;
    }

    private const int BrokenPipe = 13;

    [LibraryImport("libc", EntryPoint = "execv", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Execute(string path, string?[] arguments);

    [LibraryImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Restore(int signal, nint handler);
}
