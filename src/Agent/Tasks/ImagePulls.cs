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
    private readonly Dictionary<string, Pull> _running = [];

    /// <summary>Waits until the image was pulled. Giving up the wait leaves the pull to the others that wait for it; a pull for
    /// which nobody waits any more is given up, so that a registry that hangs does not keep its place for ever.</summary>
    public async Task PullAsync(string image, CancellationToken cancellation)
    {
        Pull? pull;
        lock (_lock)
        {
            if (!_running.TryGetValue(image, out pull))
            {
                var begun = _running[image] = pull = new Pull(CancellationTokenSource.CreateLinkedTokenSource(stopping));
                begun.Done = Task.Run(() => PullOnceAsync(image, begun), CancellationToken.None);
            }
            pull.Waiting++;
        }
        try
        {
            await pull.Done.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Leave(image, pull);
        }
    }

    private void Leave(string image, Pull pull)
    {
        lock (_lock)
        {
            if (--pull.Waiting > 0 || !IsRunning(image, pull))
                return;
            _running.Remove(image);
        }
        log.LogInformation("pulling image {Image} is given up: no task wants it any more", image);
        pull.GiveUp.Cancel();
        pull.GiveUp.Dispose();
    }

    private bool IsRunning(string image, Pull pull) => _running.TryGetValue(image, out var running) && running == pull;

    private async Task PullOnceAsync(string image, Pull pull)
    {
        try
        {
            using var place = await _gate.EnterAsync(urgency: 0, pull.GiveUp.Token).ConfigureAwait(false);
            log.LogInformation("pulling image {Image}", image);
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await engine.PullAsync(image, pull.GiveUp.Token).ConfigureAwait(false);
                    log.LogInformation("pulled image {Image}", image);
                    return;
                }
                catch (EngineException failed) when (failed.Fault == EngineFault.Temporary && attempt < Attempts)
                {
                    log.LogWarning("{Reason}; attempt {Attempt} of {Attempts}", failed.Message, attempt, Attempts);
                    await Task.Delay(FirstPause * attempt, time, pull.GiveUp.Token).ConfigureAwait(false);
                }
                catch (EngineException failed) when (failed.Fault == EngineFault.Temporary)
                {
                    throw new EngineException(failed.Fault, $"{failed.Message} (tried {Attempts} times)", failed);
                }
            }
        }
        finally
        {
            // Whoever takes the pull off the list disposes of it: Leave when nobody wants it, this when it is over.
            bool isOver;
            lock (_lock)
                isOver = IsRunning(image, pull) && _running.Remove(image);
            if (isOver)
                pull.GiveUp.Dispose();
        }
    }

    /// <summary>One pull and how many wait for it.</summary>
    private sealed class Pull(CancellationTokenSource giveUp)
    {
        public CancellationTokenSource GiveUp { get; } = giveUp;
        public Task Done { get; set; } = Task.CompletedTask;
        public int Waiting { get; set; }
    }
}
