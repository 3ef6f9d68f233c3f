using System.Runtime.CompilerServices;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>One stream that an agent opened because it was asked to. The call that holds it lives until <see cref="Done"/>.</summary>
internal sealed class Relay(
    IAsyncStreamReader<V1.RelayFromAgent> fromAgent, IAsyncStreamWriter<V1.RelayToAgent> toAgent, CancellationToken broken) : IRelay
{
    // A reader that went away must not wait for an agent that takes nothing more.
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _writing = new(1);
    private bool _agentEnded;

    /// <summary>The reader has gone: the call may end.</summary>
    public Task Done => _done.Task;

    /// <summary>The node it comes from, for messages.</summary>
    public NodeId Node { get; set; }

    public async IAsyncEnumerable<V1.RelayFromAgent> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await MoveNextAsync(cancellation))
            yield return fromAgent.Current;
    }

    public async Task WriteAsync(V1.RelayToAgent message, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            await toAgent.WriteAsync(message, cancellation);
        }
        catch (Exception error) when (IsBroken(error, cancellation))
        {
            throw Unavailable();
        }
        finally
        {
            _writing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_done.Task.IsCompleted)
            return;
        try
        {
            if (!_agentEnded && !broken.IsCancellationRequested)
            {
                using var goodbye = new CancellationTokenSource(GoodbyeTime);
                await WriteAsync(new V1.RelayToAgent { Cancel = true }, goodbye.Token);
            }
        }
        catch (Exception error) when (error is RelayUnavailableException or OperationCanceledException)
        {
            // The agent sees the end of the stream, or has gone itself: both mean the same to it.
        }
        finally
        {
            _done.TrySetResult();
        }
    }

    private async Task<bool> MoveNextAsync(CancellationToken cancellation)
    {
        try
        {
            var moved = await fromAgent.MoveNext(cancellation);
            _agentEnded = !moved;
            return moved;
        }
        catch (Exception error) when (IsBroken(error, cancellation))
        {
            throw Unavailable();
        }
    }

    // Kestrel reports a lost peer as an I/O error, a cancellation or an invalid operation, depending on what it was doing.
    private bool IsBroken(Exception error, CancellationToken cancellation) =>
        !cancellation.IsCancellationRequested
        && (broken.IsCancellationRequested || error is IOException or RpcException or OperationCanceledException or InvalidOperationException);

    private RelayUnavailableException Unavailable() => new($"the stream to the agent of node {Node} broke off; try again when it is back");
}
