using System.Threading.Channels;
using Berth.Manager.Store;
using Grpc.Core;

namespace Berth.Manager.Api;

/// <summary>One reader's view of the feed: the newest state only. States it was too slow for are skipped.</summary>
/// <param name="view">The newest published state, which may be ahead of the feed.</param>
/// <param name="matters">Whether a change is one the reader wants to know of; the rest does not wake it.</param>
internal sealed class LatestState(IClusterView view, Func<Touched, bool> matters) : IStateListener
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
    /// <remarks>Never older than the published one: a caller who was just told of his commit finds it here.</remarks>
    public async Task<ClusterState?> NextAsync(TimeSpan? patience, TimeProvider time, CancellationToken cancellation)
    {
        using var timeout = patience is { } limit ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            var fed = await _newest.Reader.ReadAsync(either.Token);
            var published = view.Current;
            return published.Index > fed.Index ? published : fed;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (ChannelClosedException closed) when (closed.InnerException is RpcException ended)
        {
            throw ended;
        }
    }
}
