namespace Berth.Agent.Network;

/// <summary>Holds the newest state of the host's networks and tells whoever waits.</summary>
public sealed class Plane : IPlane
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PlaneState _state = PlaneState.Empty;

    /// <inheritdoc/>
    public PlaneState State => Volatile.Read(ref _state);

    /// <inheritdoc/>
    public Task ChangedAsync(PlaneState seen, CancellationToken cancellation)
    {
        lock (_lock)
            return ReferenceEquals(_state, seen) ? _changed.Task.WaitAsync(cancellation) : Task.CompletedTask;
    }

    /// <summary>Changes the state; a change to itself is none.</summary>
    public void Change(Func<PlaneState, PlaneState> change)
    {
        lock (_lock)
        {
            var next = change(_state);
            if (ReferenceEquals(next, _state))
                return;
            Volatile.Write(ref _state, next);
            _changed.TrySetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
