using System.Threading.Channels;
using Berth.Manager.Store;

namespace Berth.Manager.Api;

/// <summary>One reader's view of the feed: the newest state only. States it was too slow for are skipped.</summary>
/// <param name="matters">Whether a change is one the reader wants to know of; skips the rest without waking it.</param>
internal sealed class LatestState(Func<Touched, bool> matters) : IStateListener
{
    private readonly Channel<ClusterState> _newest = Channel.CreateBounded<ClusterState>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    public void OnState(ClusterState? before, ClusterState state, Touched touched)
    {
        if (before is null || touched.All || matters(touched))
            _newest.Writer.TryWrite(state);
    }

    public void OnEnd(string reason) => _newest.Writer.TryComplete(ApiErrors.Unavailable($"{reason}; call again"));

    /// <summary>The newest state not yet read, or null when none came within <paramref name="patience"/>.</summary>
    public async Task<ClusterState?> NextAsync(TimeSpan? patience, TimeProvider time, CancellationToken cancellation)
    {
        if (_newest.Reader.TryRead(out var ready))
            return ready;
        if (patience is not { } limit)
            return await ReadAsync(cancellation);

        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            return await ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<ClusterState> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            return await _newest.Reader.ReadAsync(cancellation);
        }
        catch (ChannelClosedException closed) when (closed.InnerException is Grpc.Core.RpcException ended)
        {
            throw ended;
        }
    }
}
