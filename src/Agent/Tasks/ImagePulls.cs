using Berth.Agent.Engine;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Tasks;

/// <summary>Pulls each missing image once, however many tasks wait for it, and tries again where that can help.</summary>
public sealed class ImagePulls(IEngine engine, ILogger log, TimeProvider time, CancellationToken stopping)
{
    private const int PullsAtOnce = 3;
    private const int Attempts = 3;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private readonly WorkGate _gate = new(PullsAtOnce);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task> _running = [];

    /// <summary>Waits until the image was pulled. Giving up the wait leaves the pull to the others that wait for it.</summary>
    public Task PullAsync(string image, CancellationToken cancellation)
    {
        Task pull;
        lock (_lock)
        {
            if (!_running.TryGetValue(image, out pull!))
                _running[image] = pull = Task.Run(() => PullOnceAsync(image), CancellationToken.None);
        }
        return pull.WaitAsync(cancellation);
    }

    private async Task PullOnceAsync(string image)
    {
        try
        {
            using var place = await _gate.EnterAsync(urgency: 0, stopping).ConfigureAwait(false);
            log.LogInformation("pulling image {Image}", image);
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await engine.PullAsync(image, stopping).ConfigureAwait(false);
                    log.LogInformation("pulled image {Image}", image);
                    return;
                }
                catch (EngineException failed) when (failed.Fault == EngineFault.Temporary && attempt < Attempts)
                {
                    log.LogWarning("{Reason}; attempt {Attempt} of {Attempts}", failed.Message, attempt, Attempts);
                    await Task.Delay(FirstPause * attempt, time, stopping).ConfigureAwait(false);
                }
                catch (EngineException failed) when (failed.Fault == EngineFault.Temporary)
                {
                    throw new EngineException(failed.Fault, $"{failed.Message} (tried {Attempts} times)", failed);
                }
            }
        }
        finally
        {
            lock (_lock)
                _running.Remove(image);
        }
    }
}
