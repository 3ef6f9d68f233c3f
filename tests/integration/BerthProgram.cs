using System.Diagnostics;
using System.Text.Json;

namespace Berth.Tests.Integration;

/// <summary>Runs the real, published <c>berth</c>, as a person would.</summary>
public static class BerthProgram
{
    /// <summary>The checkout these tests were built from.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Where berth, berth-agent and manager/berth-manager are: BERTH_BIN_DIR, or bin in the checkout.</summary>
    public static string Binaries { get; } =
        Path.GetFullPath(Environment.GetEnvironmentVariable("BERTH_BIN_DIR") is { Length: > 0 } folder ? folder : Path.Combine(Root, "bin"));

    public static string Berth => Path.Combine(Binaries, "berth");

    /// <summary>The sample images, made once per checkout by <c>samples/images/build.sh</c>.</summary>
    public static string Images => Path.Combine(Root, ".out", "images");

    /// <summary>Whether <see cref="SkipUnlessPossible"/> would let a test run.</summary>
    public static bool IsPossible => Environment.IsPrivilegedProcess && File.Exists(Berth);

    /// <summary>The tests run only as root, on binaries that exist.</summary>
    public static void SkipUnlessPossible()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "labs need root");
        Skip.IfNot(File.Exists(Berth), $"{Berth} is not built; run: make publish");
    }

    public static async Task<CommandResult> RunAsync(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, TimeSpan? limit = null) =>
        await RunToolAsync(Berth, arguments, environment, limit);

    /// <summary>Runs a program to its end; a program that does not end within the limit (2 minutes) fails the test.</summary>
    public static async Task<CommandResult> RunToolAsync(string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, TimeSpan? limit = null)
    {
        using var process = Start(file, arguments, environment);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(limit ?? TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} {string.Join(' ', arguments)} did not end; it said: {await output}{await error}");
        }
        return new($"{Path.GetFileName(file)} {string.Join(' ', arguments)}", process.ExitCode, await output, await error);
    }

    /// <summary>Starts a program with its output caught, without waiting.</summary>
    public static Process Start(string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo(file) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Root };
        info.Environment["NO_COLOR"] = "1";
        info.Environment["BERTH_BIN_DIR"] = Binaries;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        return Process.Start(info) ?? throw new InvalidOperationException($"{file} did not start");
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"no Cluster.sln above {AppContext.BaseDirectory}");
    }
}

/// <summary>How a program ended and what it printed.</summary>
public sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test unless the program succeeded; shows what it said.</summary>
    public CommandResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"{Command}\nexit code {ExitCode}\n{Output}{Error}");
        return this;
    }

    /// <summary>Standard output as JSON.</summary>
    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(Succeeded().Output);
        return document.RootElement.Clone();
    }
}

/// <summary>Waiting for things that happen in their own time.</summary>
public static class Eventually
{
    /// <summary>Polls until the condition holds; after the limit the test fails with what was last seen.</summary>
    /// <param name="condition">Says whether it holds, and what it saw.</param>
    /// <param name="limit">30 s unless told.</param>
    public static async Task HoldsAsync(Func<Task<(bool Holds, string Seen)>> condition, TimeSpan? limit = null)
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            var (holds, seen) = await condition();
            if (holds)
                return;
            Assert.True(deadline.Elapsed < (limit ?? TimeSpan.FromSeconds(30)), $"not within {limit ?? TimeSpan.FromSeconds(30)}; last seen: {seen}");
            await Task.Delay(100);
        }
    }
}
