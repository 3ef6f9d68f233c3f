namespace Berth.Manager.Store;

/// <summary>Where the store leaves the newest published state for whoever only reads.</summary>
public sealed class ClusterView : IClusterView
{
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClusterState _current = ClusterState.Empty;

    /// <inheritdoc/>
    public ClusterState Current => _current;

    /// <summary>Ends once the store has read its journal and its new term is durable.</summary>
    public Task Recovered => _recovered.Task;

    internal void Publish(ClusterState state)
    {
        _current = state;
        _recovered.TrySetResult();
    }
}
