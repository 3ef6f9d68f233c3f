using System.Diagnostics;
using System.Text;

namespace Berth.Tests.Integration.Agent;

/// <summary>The real agent as a process of its own.</summary>
/// <param name="managerSocket">Null for an agent that waits to be joined.</param>
public sealed class TestAgent(string engineSocket, string? managerSocket, string data) : IDisposable
{
    private Process? _process;

    /// <summary>Its data directory.</summary>
    public string Data => data;

    /// <summary>More of the command line.</summary>
    public IReadOnlyList<string> More { get; init; } = [];

    /// <summary>The network namespace it runs in; the tests' own when null.</summary>
    public string? NetworkNamespace { get; init; }

    public StringBuilder Log { get; } = new();

    public int Pid => _process!.Id;

    /// <summary>Variables it is started with besides the tests' own.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    public void Start()
    {
        // BERTH_TEST_AGENT names a published (native) agent to try instead of the one just built.
        var published = System.Environment.GetEnvironmentVariable("BERTH_TEST_AGENT");
        string[] inside = NetworkNamespace is { } space ? ["nsenter", $"--net={space}"] : [];
        string[] program = [.. inside, .. published is null ? (string[])["dotnet", Built()] : [published]];
        var start = new ProcessStartInfo(program[0],
        [
            .. program[1..], .. managerSocket is null ? (string[])[] : ["--manager", "unix://" + managerSocket], "--engine", "unix://" + engineSocket, "--data", data, "--hostname", "here", "--log-level", "debug", .. More,
        ])
        { RedirectStandardError = true };
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => { lock (Log) Log.AppendLine(line.Data); };
        _process.BeginErrorReadLine();
    }

    /// <summary>SIGKILL: it saves nothing.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
            Kill();
        _process?.Dispose();
    }

    /// <summary>The agent that was built with these tests.</summary>
    public static string Built()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            folder = folder.Parent;
        // tests/integration/bin/CONFIGURATION/net10.0/ → src/Agent/bin/CONFIGURATION/net10.0/
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return Path.Combine(folder!.FullName, "src", "Agent", "bin", configuration, "net10.0", "berth-agent.dll");
    }
}
