namespace Berth.Manager.Store;

/// <summary>Where the store leaves the newest published state for whoever only reads.</summary>
public sealed class ClusterView : IClusterView
{
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly HashSet<Waiter> _waiters = [];
    private volatile ClusterState _current = ClusterState.Empty;
    private volatile bool _isAwaited;

    /// <inheritdoc/>
    public ClusterState Current => _current;

    /// <summary>Ends once the store has read its journal and its new term is durable.</summary>
    public Task Recovered => _recovered.Task;

    /// <summary>Waits until <see cref="Current"/> holds commit <paramref name="index"/>.</summary>
    /// <param name="index">The commit.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="time">Counts it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it does.</returns>
    public async Task<bool> ReachesAsync(long index, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        if (_current.Index >= index)
            return true;
        var waiter = new Waiter(index);
        lock (_gate)
        {
            _waiters.Add(waiter);
            _isAwaited = true;
            // Whoever published meanwhile may not have seen that somebody waits.
            Release();
        }
        try
        {
            await waiter.Reached.Task.WaitAsync(patience, time, cancellation);
            return true;
        }
        catch (TimeoutException)
        {
            return _current.Index >= index;
        }
        finally
        {
            lock (_gate)
                Forget(waiter);
        }
    }

    internal void Publish(ClusterState state)
    {
        _current = state;
        _recovered.TrySetResult();
        if (!_isAwaited)
            return;
        lock (_gate)
            Release();
    }

    private void Release()
    {
        foreach (var waiter in _waiters.Where(waiter => waiter.Index <= _current.Index).ToList())
        {
            Forget(waiter);
            waiter.Reached.TrySetResult();
        }
    }

    private void Forget(Waiter waiter)
    {
        _waiters.Remove(waiter);
        _isAwaited = _waiters.Count > 0;
    }

    private sealed class Waiter(long index)
    {
        public long Index { get; } = index;
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
