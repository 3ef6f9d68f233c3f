using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Berth.Tests.Integration.Stores;

/// <summary>A real PostgreSQL server on a directory and a port of its own, run as user postgres.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string Password = "not-for-logs";

    private static readonly string? Programs = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "postgres"))).Order().LastOrDefault()
        : null;

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-postgres-");
    private int _databases;

    private PostgresServer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public int Port { get; }

    public string Home => _home.FullName;

    public string Data => Path.Combine(Home, "data");

    /// <summary>Makes and starts a server; skips the test when there is none to start.</summary>
    /// <param name="settings">Lines for postgresql.conf.</param>
    public static async Task<PostgresServer> StartNewAsync(params string[] settings)
    {
        Skip.If(Programs is null, "PostgreSQL is not installed (package postgresql)");
        var server = new PostgresServer();
        await RunAsync("chown", "postgres", server.Home);
        var password = Path.Combine(server.Home, "password");
        File.WriteAllText(password, Password);
        await RunAsync("chown", "postgres", password);
        await AsPostgresAsync("initdb", "-D", server.Data, "-U", "berth", "-A", "scram-sha-256", $"--pwfile={password}", "--no-sync", "-E", "UTF8", "--locale=C");
        await File.AppendAllLinesAsync(Path.Combine(server.Data, "postgresql.conf"),
            [$"port = {server.Port}", $"unix_socket_directories = '{server.Home}'", "listen_addresses = '127.0.0.1'", .. settings]);
        await server.StartAsync();
        return server;
    }

    public Task StartAsync() => AsPostgresAsync("pg_ctl", "-D", Data, "-l", Path.Combine(Home, "log"), "-w", "-t", "60", "start");

    public Task StopAsync(string how) => AsPostgresAsync("pg_ctl", "-D", Data, "-m", how, "-w", "stop");

    /// <summary>Kills every process of it at once, as a loss of power would.</summary>
    public async Task KillAsync()
    {
        var main = File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();
        var children = (await RunAsync("ps", "-o", "pid=", "--ppid", main)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        await RunAsync("kill", ["-9", main, .. children]);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (Directory.Exists($"/proc/{main}"))
            await Task.Delay(10, deadline.Token);
    }

    /// <summary>Stops (STOP) or continues (CONT) every process of it.</summary>
    public async Task SignalAsync(string signal)
    {
        var main = File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();
        var children = (await RunAsync("ps", "-o", "pid=", "--ppid", main)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        await RunAsync("kill", [$"-{signal}", main, .. children]);
    }

    /// <summary>From now on it speaks TLS with this certificate.</summary>
    public async Task UseTlsAsync(string certificate, string key)
    {
        File.WriteAllText(Path.Combine(Data, "server.crt"), certificate);
        File.WriteAllText(Path.Combine(Data, "server.key"), key);
        File.SetUnixFileMode(Path.Combine(Data, "server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await RunAsync("chown", "postgres", Path.Combine(Data, "server.crt"), Path.Combine(Data, "server.key"));
        await File.AppendAllTextAsync(Path.Combine(Data, "postgresql.conf"), "ssl = on\n");
        await StopAsync("fast");
        await StartAsync();
    }

    /// <summary>A new, empty database.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        var name = $"d{++_databases}";
        await using var connection = new NpgsqlConnection(Connection("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return name;
    }

    public string Connection(string database) => $"Host=127.0.0.1;Port={Port};Database={database};Username=berth;Password={Password}";

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            await StopAsync("immediate");
        _home.Delete(recursive: true);
    }

    private static Task<string> AsPostgresAsync(string program, params string[] arguments) =>
        RunAsync("runuser", ["-u", "postgres", "--", Path.Combine(Programs!, program), .. arguments]);

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        // The server goes on writing to what it inherits: its own log, not a pipe of ours.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$@\" 2>&1 </dev/null", "sh", program, .. arguments]) { RedirectStandardOutput = true, WorkingDirectory = "/" })!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0 || program == "kill", $"{program} {string.Join(' ', arguments)}: {said}");
        return said;
    }
}
