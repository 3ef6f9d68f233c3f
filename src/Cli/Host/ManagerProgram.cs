using System.Diagnostics;
using Berth.Cli.Output;

namespace Berth.Cli.Host;

/// <summary>Runs <c>berth-manager</c>'s own commands on this host: what is done with a manager's files where no manager runs.</summary>
internal static class ManagerProgram
{
    private const string Name = "berth-manager";

    /// <summary>Runs it to its end; what it prints goes where this program's output goes.</summary>
    /// <param name="arguments">Its command line, without secrets.</param>
    /// <param name="input">Its stdin.</param>
    /// <param name="terminal">Where its output goes.</param>
    /// <param name="environment">Environment variables.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="UserError">It is not installed.</exception>
    public static async Task<int> RunAsync(IEnumerable<string> arguments, string input, Terminal terminal, Func<string, string?> environment, CancellationToken cancel)
    {
        var info = new ProcessStartInfo(Find(environment))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        using var process = Process.Start(info) ?? throw new InvalidOperationException($"{info.FileName} did not start");
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            process.StandardInput.Close();
            await Task.WhenAll(CopyAsync(process.StandardOutput, terminal.Out, cancel), CopyAsync(process.StandardError, terminal.Err, cancel));
            await process.WaitForExitAsync(cancel);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static async Task CopyAsync(StreamReader from, TextWriter to, CancellationToken cancel)
    {
        while (await from.ReadLineAsync(cancel) is { } line)
            await to.WriteLineAsync(line.AsMemory(), cancel);
    }

    // Beside this program, where packages put it, or wherever the shell finds it.
    private static string Find(Func<string, string?> environment)
    {
        string[] places =
        [
            .. environment("BERTH_BIN_DIR") is { Length: > 0 } folder ? [Path.Combine(folder, "manager", Name)] : Array.Empty<string>(),
            Path.Combine(AppContext.BaseDirectory, "manager", Name),
            $"/usr/lib/berth/manager/{Name}",
            .. (environment("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(path => Path.Combine(path, Name)),
        ];
        return places.FirstOrDefault(File.Exists) ?? throw new UserError($"{Name} is not installed on this host, and it does this",
            "run the command on a manager's host, or name the folder of its programs in BERTH_BIN_DIR");
    }
}
