using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Manager;

/// <summary>A real berth-manager on a data directory and a socket of its own, both gone when it is disposed.</summary>
public sealed class ManagerProcess : IAsyncDisposable
{
    /// <summary>Longest wait for anything a manager does; tests end far sooner.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-manager-");
    private readonly StringBuilder _said = new();
    private Process? _process;
    private GrpcChannel? _channel;

    /// <summary>Where it keeps the cluster.</summary>
    public string DataDirectory => Path.Combine(_home.FullName, "data");

    /// <summary>Environment variables it is started with.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Its socket's path.</summary>
    public string Socket => Path.Combine(_home.FullName, "run/manager.sock");

    /// <summary>Calls to it.</summary>
    public Control.ControlClient Client => new(Channel);

    /// <summary>The connection to it.</summary>
    public GrpcChannel Channel => _channel ?? throw new InvalidOperationException("the manager is not started");

    /// <summary>Memory it has in RAM, bytes.</summary>
    public long Memory
    {
        get
        {
            var process = _process ?? throw new InvalidOperationException("the manager is not started");
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    /// <summary>What it wrote so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>Starts one and waits until it serves.</summary>
    /// <param name="managerJson">What makes it a manager of a cluster; null when it is to be alone.</param>
    public static async Task<ManagerProcess> StartNewAsync(string? managerJson = null, params IReadOnlyList<(string Name, string Value)> variables)
    {
        var manager = new ManagerProcess();
        foreach (var (name, value) in variables)
            manager.Variables[name] = value;
        try
        {
            if (managerJson is not null)
            {
                Directory.CreateDirectory(manager.DataDirectory);
                await File.WriteAllTextAsync(Path.Combine(manager.DataDirectory, "manager.json"), managerJson);
            }
            await manager.StartAsync();
            return manager;
        }
        catch
        {
            await manager.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it, again on the same data after a kill, and waits until it serves.</summary>
    public async Task StartAsync()
    {
        Begin();
        await ServesAsync();
    }

    /// <summary>Starts it and does not wait.</summary>
    public void Begin()
    {
        _process = Launch(DataDirectory, Socket, Hear);
        _channel = Connect(Socket);
    }

    /// <summary>Waits until it serves.</summary>
    public async Task ServesAsync()
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await Client.GetInfoAsync(new GetInfoRequest(), deadline: CallDeadline.In(5));
                return;
            }
            catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Internal)
            {
                if (_process!.HasExited)
                    throw new InvalidOperationException($"berth-manager ended with exit code {_process.ExitCode}:\n{Said}", error);
                if (waited.Elapsed > Deadline)
                    throw new TimeoutException($"berth-manager does not serve after {Deadline}; it said:\n{Said}", error);
                await Task.Delay(50);
            }
        }
    }

    /// <summary>Starts it on data whose keys are locked, and waits until it says so.</summary>
    public async Task StartLockedAsync()
    {
        _process = Launch(DataDirectory, Socket, Hear);
        _channel = Connect(Socket);
        var waited = Stopwatch.StartNew();
        var admin = new ClusterAdmin.ClusterAdminClient(Channel);
        while (true)
        {
            try
            {
                if ((await admin.GetClusterAsync(new GetClusterRequest(), deadline: CallDeadline.In(5))).Locked)
                    return;
                throw new InvalidOperationException($"berth-manager is not locked; it said:\n{Said}");
            }
            catch (RpcException) when (waited.Elapsed < Deadline && !_process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    /// <summary>Runs the program with other arguments until it ends.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string stdin, params string[] arguments)
    {
        var start = new ProcessStartInfo(Binary(), arguments) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(stdin);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(Deadline);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Ends it as a power loss would: SIGKILL, and nothing is said.</summary>
    public async Task KillAsync()
    {
        if (_process is { HasExited: false })
            _process.Kill();
        if (_process is not null)
            await _process.WaitForExitAsync();
        _process?.Dispose();
        _process = null;
        _channel?.Dispose();
        _channel = null;
    }

    /// <summary>Whether it still runs.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Sends it a signal, such as STOP or CONT.</summary>
    public async Task SignalAsync(string signal)
    {
        var process = _process ?? throw new InvalidOperationException("the manager is not started");
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits until it ends by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ExitedAsync()
    {
        var process = _process ?? throw new InvalidOperationException("the manager is not started");
        using var deadline = new CancellationTokenSource(Deadline);
        await process.WaitForExitAsync(deadline.Token);
        return process.ExitCode;
    }

    /// <summary>Asks it to stop, as an init system does, and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        var process = _process ?? throw new InvalidOperationException("the manager is not started");
        using (var signal = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await signal.WaitForExitAsync();
        using var deadline = new CancellationTokenSource(Deadline);
        await process.WaitForExitAsync(deadline.Token);
        return process.ExitCode;
    }

    /// <summary>Runs another manager on the same data until it ends by itself.</summary>
    public async Task<(int ExitCode, string Said)> RunSecondAsync()
    {
        var said = new StringBuilder();
        using var second = Launch(DataDirectory, Path.Combine(_home.FullName, "second.sock"), line =>
        {
            lock (said)
                said.AppendLine(line);
        });
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await second.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            second.Kill();
            throw new TimeoutException($"the second manager still runs after {Deadline}; it said:\n{said}");
        }
        lock (said)
            return (second.ExitCode, said.ToString());
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _home.Delete(recursive: true);
    }

    private void Hear(string line)
    {
        lock (_said)
            _said.AppendLine(line);
    }

    private Process Launch(string data, string socket, Action<string> hear)
    {
        // With the laxest mask there is: whatever is closed to others, the manager closed.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "umask 0; exec \"$0\" \"$@\"", Binary(), "--data", data, "--listen", $"unix://{socket}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in Variables)
            start.Environment[name] = value;
        // A manager that is not self-contained runs on the runtime these tests run on.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, said) => hear(said.Data ?? "");
        process.ErrorDataReceived += (_, said) => hear(said.Data ?? "");
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static GrpcChannel Connect(string socket)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                    return new NetworkStream(connection, ownsSocket: true);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }
            },
        };
        return GrpcChannel.ForAddress("http://manager", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    /// <summary>The program.</summary>
    public static string Binary()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Cluster.sln")))
            root = root.Parent;
        var top = root?.FullName ?? throw new InvalidOperationException($"no Cluster.sln above {AppContext.BaseDirectory}");
        string?[] places =
        [
            Environment.GetEnvironmentVariable("BERTH_BIN_DIR") is { Length: > 0 } bin ? Path.Combine(bin, "manager/berth-manager") : null,
            Path.Combine(top, "bin/manager/berth-manager"),
            Path.Combine(top, "src/Manager/bin/Debug/net10.0/berth-manager"),
        ];
        return places.OfType<string>().FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException($"no berth-manager at {string.Join(" or ", places.OfType<string>())}; run make build");
    }
}
