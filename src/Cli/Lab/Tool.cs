using System.Diagnostics;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Runs the system's own tools (ip, nsenter, mount, …), which do here what a library would have to repeat.</summary>
internal static class Tool
{
    /// <summary>Root's own tools are in the sbin folders, which a shell made by plain <c>su</c> does not look into.</summary>
    public static string SearchPath { get; } =
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + Environment.GetEnvironmentVariable("PATH");

    public static bool Exists(string name) => SearchPath.Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>Runs a tool to its end.</summary>
    /// <exception cref="UserError">It failed; the message has its arguments and what it said.</exception>
    public static async Task RunAsync(string file, IEnumerable<string> arguments, CancellationToken cancel, string? input = null)
    {
        var (exitCode, error) = await TryAsync(file, arguments, cancel, input);
        if (exitCode != 0)
            throw new UserError($"{file} {string.Join(' ', arguments)} failed with status {exitCode}: {error.Trim()}{(input is null ? "" : $" (input: {input.Trim().ReplaceLineEndings("; ")})")}",
                "if the lab is half-made, take it down and up again: berth lab down, berth lab up");
    }

    /// <summary>Runs a tool to its end and says how it went.</summary>
    public static async Task<(int ExitCode, string Error)> TryAsync(string file, IEnumerable<string> arguments, CancellationToken cancel, string? input = null)
    {
        using var process = Start(file, arguments, info =>
        {
            info.RedirectStandardInput = true;
            info.RedirectStandardOutput = true;
            info.RedirectStandardError = true;
        });
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = await process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        return (process.ExitCode, error + await output);
    }

    private static readonly string[] Named = ["BERTH_HOST", "BERTH_CONTEXT"];

    /// <summary>Runs a program to its end and reads what it prints.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> ReadAsync(string file, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment, string input, CancellationToken cancel)
    {
        using var process = Start(file, arguments, info =>
        {
            info.RedirectStandardInput = true;
            info.RedirectStandardOutput = true;
            info.RedirectStandardError = true;
            // What this shell says of managers and contexts is not the lab's.
            foreach (var name in Named)
                info.Environment.Remove(name);
            foreach (var (name, value) in environment)
                info.Environment[name] = value;
        });
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(cancel);
        var output = await process.StandardOutput.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        return (process.ExitCode, output, await error);
    }

    /// <summary>Runs a tool on this terminal and returns its exit status; Ctrl-C is the tool's to handle.</summary>
    public static async Task<int> ForegroundAsync(string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        using var interrupts = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var process = Start(file, arguments, info =>
        {
            foreach (var (name, value) in environment)
                info.Environment[name] = value;
        });
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }

    public static Process Start(string file, IEnumerable<string> arguments, Action<ProcessStartInfo>? configure = null)
    {
        var info = new ProcessStartInfo(Find(file)) { UseShellExecute = false };
        info.Environment["PATH"] = SearchPath;
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        configure?.Invoke(info);
        return Process.Start(info) ?? throw new InvalidOperationException($"{file} did not start");
    }

    private static string Find(string file) => file.Contains('/', StringComparison.Ordinal) ? file :
        SearchPath.Split(':').Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new UserError($"{file} is not installed", "apt-get install docker.io iproute2 util-linux iptables procps");

    /// <summary>Polls a condition until it holds.</summary>
    /// <returns>False when it did not within the time.</returns>
    public static async Task<bool> UntilAsync(Func<CancellationToken, Task<bool>> condition, TimeSpan limit, CancellationToken cancel)
    {
        var clock = TimeProvider.System;
        for (var started = clock.GetTimestamp(); clock.GetElapsedTime(started) < limit;)
        {
            if (await condition(cancel))
                return true;
            await Task.Delay(TimeSpan.FromMilliseconds(25), clock, cancel);
        }
        return await condition(cancel);
    }
}
