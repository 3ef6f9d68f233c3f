using System.Diagnostics;

namespace Berth.Tests.Integration.Members;

/// <summary>Runs etcd while its file is there and starts it again when it ends, as a host's supervisor does.</summary>
public sealed class EtcdSupervisor : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    private readonly string _file;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private volatile Process? _process;
    private volatile bool _isLost;

    public EtcdSupervisor(string file)
    {
        _file = file;
        _running = Task.Run(RunAsync);
    }

    /// <summary>The host has lost its power: nothing starts any more.</summary>
    public async Task LosePowerAsync()
    {
        _isLost = true;
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>The host boots again, on the disk it had.</summary>
    public void Boot() => _isLost = false;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            if (!_isLost && File.Exists(_file))
            {
                using var process = _process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec etcd --config-file \"$1\" 2>>\"$1.log\"", "etcd", _file]))!;
                try
                {
                    await process.WaitForExitAsync(_stopping.Token);
                }
                catch (OperationCanceledException)
                {
                    process.Kill();
                    await process.WaitForExitAsync(CancellationToken.None);
                }
                _process = null;
            }
            await Task.Delay(LookEvery, CancellationToken.None);
        }
    }
}
