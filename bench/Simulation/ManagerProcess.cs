using System.Diagnostics;
using Berth.Bench.Clusters;
using Berth.Bench.Measure;
using Berth.Bench.Subjects;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Simulation;

/// <summary>A real manager in a process of its own, durable in a temporary directory.</summary>
public sealed class ManagerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _directory;

    private ManagerProcess(Process process, string directory)
    {
        _process = process;
        _directory = directory;
        Channel = UnixChannel.Open(Socket);
        Control = new Control.ControlClient(Channel);
    }

    /// <summary>Its socket.</summary>
    public string Socket => Path.Combine(_directory, "manager.sock");

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>A channel to it.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>A client on that channel.</summary>
    public Control.ControlClient Control { get; }

    /// <summary>Starts a manager and waits until it answers.</summary>
    public static async Task<ManagerProcess> StartAsync()
    {
        var directory = Directory.CreateTempSubdirectory("berth-bench-").FullName;
        var start = new ProcessStartInfo(BenchLab.Manager, ["--data", Path.Combine(directory, "data"), "--listen", "unix://" + Path.Combine(directory, "manager.sock"), "--log-level", "warning"]);
        var manager = new ManagerProcess(Process.Start(start)!, directory);
        await Command.UntilAsync("the manager answers", TimeSpan.FromSeconds(30), manager.AnswersAsync);
        return manager;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"the manager ended with {_process.ExitCode}");
        try
        {
            // gRPC takes a deadline as an instant of the wall clock; nothing is asserted about it.
            await Control.GetInfoAsync(new GetInfoRequest(), ManagerEnd.Within(TimeSpan.FromSeconds(1)));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }
}
