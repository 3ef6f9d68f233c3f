using System.ComponentModel;
using System.Diagnostics;

namespace Berth.Agent.Balance;

/// <summary>Runs the host's own programs.</summary>
/// <param name="networkNamespace">Path of a network namespace to run them in; null is this process's own.</param>
public sealed class HostTools(string? networkNamespace = null)
{
    /// <summary>Runs one to its end.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">Its arguments; never anything secret.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<ToolResult> RunAsync(string tool, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        string[] line = networkNamespace is null ? [tool, .. arguments] : ["nsenter", $"--net={networkNamespace}", tool, .. arguments];
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(line[0], line[1..])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception absent)
        {
            return new ToolResult(ToolResult.NotThere, "", $"{tool} cannot be run: {absent.Message}");
        }
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            await WriteAsync(process, input, cancellation).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            return new ToolResult(process.ExitCode, await output.ConfigureAwait(false), (await errors.ConfigureAwait(false)).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static async Task WriteAsync(Process process, string input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code and words say why.
        }
    }
}

/// <summary>What a program ended with.</summary>
/// <param name="Code">Its exit code, or <see cref="NotThere"/>.</param>
/// <param name="Output">What it printed.</param>
/// <param name="Errors">What it complained of.</param>
public sealed record ToolResult(int Code, string Output, string Errors)
{
    /// <summary>There is no such program.</summary>
    public const int NotThere = 127;

    /// <summary>Whether it did what it was asked.</summary>
    public bool IsDone => Code == 0;
}
