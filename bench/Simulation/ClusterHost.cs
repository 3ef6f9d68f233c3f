using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Bench.Clusters;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;
using Berth.Identity;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using NodeId = Berth.Model.NodeId;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Simulation;

/// <summary>A host of one real manager with TLS, on this machine: a directory and ports of its own, and somebody who runs its etcd
/// while <c>etcd.yml</c> is there.</summary>
public sealed class ClusterHost : IAsyncDisposable
{
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(60);

    private readonly string _home = Directory.CreateTempSubdirectory("berth-bench-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _etcd;
    private Process? _process;
    private Process? _etcdProcess;
    private volatile bool _isWanted;

    private ClusterHost(int number, IReadOnlyList<ClusterHost> managers, string? token)
    {
        Node = new NodeId((UInt128)number);
        Directory.CreateDirectory(Data);
        var file = new ManagerFile
        {
            NodeId = Node,
            Hostname = string.Create(CultureInfo.InvariantCulture, $"berth{number}"),
            Advertise = new IPEndPoint(IPAddress.Loopback, FreePorts()),
            JoinToken = token is null ? null : Berth.Identity.JoinToken.Parse(token),
            JoinManagers = [.. managers.Select(manager => manager.Url)],
        };
        Url = file.Url;
        Name = file.Hostname;
        file.Save(Data);
        Channel = UnixChannel.Open(Socket);
        _etcd = RunEtcdAsync();
    }

    /// <summary>Its node id.</summary>
    public NodeId Node { get; }

    /// <summary>Its host name.</summary>
    public string Name { get; }

    /// <summary>Where agents dial it.</summary>
    public string Url { get; }

    /// <summary>Its unix socket.</summary>
    public string Socket => Path.Combine(_home, "manager.sock");

    /// <summary>A channel over the socket.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>The manager's process.</summary>
    public int Pid => _process!.Id;

    /// <summary>CPU seconds of manager and etcd so far; a process that has ended counts nothing.</summary>
    public double CpuSeconds => Cpu(_process) + Cpu(_etcdProcess);

    private string Data => Path.Combine(_home, "manager");

    /// <summary>Forms a cluster with one manager.</summary>
    public static async Task<ClusterHost> FormAsync()
    {
        var host = new ClusterHost(1, [], null);
        await host.StartAsync();
        return host;
    }

    /// <summary>Another manager of the cluster of <paramref name="managers"/>.</summary>
    public static async Task<ClusterHost> JoinAsync(int number, IReadOnlyList<ClusterHost> managers)
    {
        var token = await new ClusterAdmin.ClusterAdminClient(managers[0].Channel).GetJoinTokenAsync(new GetJoinTokenRequest { Role = NodeRole.Manager });
        var host = new ClusterHost(number, managers, token.Token);
        await host.StartAsync();
        return host;
    }

    /// <summary>Starts the manager, and waits until it answers.</summary>
    public async Task StartAsync()
    {
        Launch();
        await Command.UntilAsync($"the manager of {Name} answers", StartWithin, AnswersAsync);
    }

    /// <summary>How often the manager ended by itself and was started again.</summary>
    public int Restarts { get; private set; }

    private void Launch()
    {
        // By a shell, which opens the file for what it says.
        var process = _process = Process.Start(new ProcessStartInfo("sh",
            ["-c", "exec \"$0\" --data \"$1\" --listen \"unix://$2\" --log-level \"$3\" 2>>\"$4\"", BenchLab.Manager, Data, Socket,
                Environment.GetEnvironmentVariable("BERTH_BENCH_LOG") ?? "warning", Path.Combine(_home, "manager.log")]))!;
        // Not before: whoever watched the process before would take it for his own, and start another.
        _isWanted = true;
        _ = SuperviseAsync(process);
    }

    // A standby whose store moved ends, and so does a leader that leads no more: whoever supervises starts it again.
    private async Task SuperviseAsync(Process process)
    {
        await process.WaitForExitAsync();
        if (!_isWanted || _process != process)
            return;
        Restarts++;
        Report.Note($"the manager of {Name} ended with {process.ExitCode} and is started again: {Said}");
        await Task.Delay(100);
        if (_isWanted && _process == process)
            Launch();
    }

    /// <summary>Ends the manager's process at once; its etcd runs on.</summary>
    public async Task KillAsync()
    {
        _isWanted = false;
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>What the manager wrote last, for the message of something that failed.</summary>
    public string Said => File.Exists(Path.Combine(_home, "manager.log"))
        ? string.Join('\n', File.ReadLines(Path.Combine(_home, "manager.log")).TakeLast(3).Select(line => line.Length > 300 ? line[..300] : line))
        : "";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await KillAsync();
        await _stop.CancelAsync();
        await _etcd;
        _process?.Dispose();
        _stop.Dispose();
        if (Environment.GetEnvironmentVariable("BERTH_BENCH_KEEP") is null)
            Directory.Delete(_home, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            // gRPC takes a deadline as an instant of the wall clock; nothing is asserted about it.
            await new Control.ControlClient(Channel).GetInfoAsync(new GetInfoRequest(), ManagerEnd.Within(TimeSpan.FromSeconds(5)));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private async Task RunEtcdAsync()
    {
        var file = Path.Combine(_home, "etcd", "etcd.yml");
        while (!_stop.IsCancellationRequested)
        {
            if (File.Exists(file))
            {
                using var process = _etcdProcess = Process.Start(new ProcessStartInfo("sh", ["-c", "exec etcd --config-file \"$0\" 2>>\"$0.log\"", file]))!;
                await process.WaitForExitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!process.HasExited)
                    process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
                _etcdProcess = null;
            }
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private static double Cpu(Process? process)
    {
        try
        {
            return process is null ? 0 : CpuClock.OfProcess(process.Id);
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            return 0;
        }
    }

    // Akka's port and etcd's two follow the manager's own.
    private static int FreePorts()
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            if (Enumerable.Range(port + 1, 3).All(IsFree))
                return port;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
