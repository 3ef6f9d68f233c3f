using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Access;

/// <summary>Keeps the file of data keys as the cluster wants it: wrapped under the unlock key while autolock is on, in the clear while
/// it is off; and takes other keys into use.</summary>
public sealed class KeyKeeper(RowKeys keys, KeyFile file, IClusterView view, TimeProvider time, ILogger<KeyKeeper> log) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly GrowingPause _problems = new(time);

    /// <summary>The keys in use.</summary>
    public KeyRing Ring => keys.Ring;

    /// <summary>Stores another ring durably, then uses it; one that is not newer is left.</summary>
    /// <returns>The ring in use afterwards.</returns>
    public KeyRing Take(KeyRing ring)
    {
        lock (_gate)
        {
            if (ring.Version <= keys.Ring.Version)
                return keys.Ring;
            file.Write(ring, UnlockKeyOf(view.Current));
            keys.Use(ring);
            return ring;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        try
        {
            do
                Look();
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The manager stops.
        }
    }

    private void Look()
    {
        var state = view.Current;
        // Before the state is known nobody knows whether autolock is on.
        if (state.ClusterId is null)
            return;
        try
        {
            lock (_gate)
            {
                var wanted = UnlockKeyOf(state);
                var isDone = file.LockedUnder() == wanted?.Name;
                if (!isDone)
                    file.Write(keys.Ring, wanted);
                _problems.Over();
                if (isDone)
                    return;
                log.LogInformation("{File} is now {How}", file.Path, wanted is null ? "in the clear: autolock is off" : $"locked under unlock key {wanted.Name}");
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            if (_problems.IsDue(error.Message, out _))
                log.LogError("The data keys in {File} are not locked as they should be: {Problem}; tried again every second", file.Path, error.Message);
        }
    }

    private static UnlockKey? UnlockKeyOf(ClusterState state) =>
        state.UnlockKey is { } text && UnlockKey.TryParse(text, out var key) ? key : null;
}
