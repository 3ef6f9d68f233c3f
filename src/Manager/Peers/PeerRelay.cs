using System.Runtime.CompilerServices;
using Berth.Manager.Dispatch;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Peers;

/// <summary>A stream to an agent whose session is at another manager.</summary>
/// <param name="talk">Calls to that manager.</param>
/// <param name="manager">Its name, for messages.</param>
/// <param name="node">The agent's node, for messages.</param>
internal sealed class PeerRelay(V1.PeerTalk.PeerTalkClient talk, string manager, string node) : IRelay
{
    /// <summary>In the answer's headers: the agent dialled.</summary>
    public const string OpenHeader = "berth-relay-open";

    private readonly CancellationTokenSource _over = new();
    private readonly SemaphoreSlim _writing = new(1);
    private AsyncDuplexStreamingCall<V1.RelayFromPeer, V1.RelayFromAgent>? _call;
    private bool _isOver;

    /// <summary>Asks, and waits until the agent dialled there.</summary>
    public async Task OpenAsync(V1.PeerRelayRequest request, CancellationToken cancellation)
    {
        await using var abandoned = cancellation.UnsafeRegister(static over => ((CancellationTokenSource)over!).Cancel(), _over);
        _call = talk.OpenRelay(cancellationToken: _over.Token);
        await _call.RequestStream.WriteAsync(new V1.RelayFromPeer { Open = request }, cancellation);
        var headers = await _call.ResponseHeadersAsync.WaitAsync(cancellation);
        // A refusal comes as headers too. Reading on throws it.
        if (headers.GetValue(OpenHeader) is null && !await _call.ResponseStream.MoveNext(cancellation))
            throw new RpcException(new Status(StatusCode.Unavailable, "it ended at once"));
    }

    public async IAsyncEnumerable<V1.RelayFromAgent> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await MoveNextAsync(cancellation))
            yield return _call!.ResponseStream.Current;
    }

    public async Task WriteAsync(V1.RelayToAgent message, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            await _call!.RequestStream.WriteAsync(new V1.RelayFromPeer { ToAgent = message }, cancellation);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested && error is RpcException or IOException or InvalidOperationException)
        {
            throw Unavailable(error);
        }
        finally
        {
            _writing.Release();
        }
    }

    // The other manager tells the agent that the reader went away.
    public async ValueTask DisposeAsync()
    {
        if (_isOver)
            return;
        _isOver = true;
        await _over.CancelAsync();
        _call?.Dispose();
        _over.Dispose();
    }

    private async Task<bool> MoveNextAsync(CancellationToken cancellation)
    {
        try
        {
            return await _call!.ResponseStream.MoveNext(cancellation);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested && error is RpcException or IOException or InvalidOperationException)
        {
            throw Unavailable(error);
        }
    }

    private RelayUnavailableException Unavailable(Exception error) => new(
        $"the stream to the agent of node {node} through manager {manager} broke off: {(error is RpcException refused ? refused.Status.Detail : error.Message)}; try again");
}
