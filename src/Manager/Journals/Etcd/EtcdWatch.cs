using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Journals.Etcd;

/// <summary>What a watched key held when it was last heard of.</summary>
/// <param name="Pair">The key; null when there is none.</param>
/// <param name="Revision">etcd's revision at which it held this.</param>
internal sealed record EtcdSeen(V3.KeyValue? Pair, long Revision);

/// <summary>Follows one key on one member after the other, from the first question on.</summary>
internal sealed class EtcdWatch(EtcdClient client, ByteString key, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan RestAfterFailure = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private EtcdSeen? _seen;
    private TaskCompletionSource _changed = New();
    private CancellationTokenSource? _stream;
    private EtcdMember? _watched;
    private Task? _following;

    /// <summary>Waits until what the key holds satisfies <paramref name="wanted"/>.</summary>
    /// <returns>What it holds; null when <paramref name="patience"/> was over first.</returns>
    public async Task<EtcdSeen?> ChangeAsync(Func<V3.KeyValue?, bool> wanted, TimeSpan patience, CancellationToken cancellation)
    {
        lock (_lock)
            _following ??= Task.Run(FollowAsync, CancellationToken.None);
        using var deadline = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation, _stopping.Token);
        while (true)
        {
            Task change;
            lock (_lock)
            {
                if (_seen is { } seen && wanted(seen.Pair))
                    return seen;
                change = _changed.Task;
            }
            try
            {
                await change.WaitAsync(both.Token);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                return null;
            }
        }
    }

    /// <summary>The member that is followed missed a change: another is followed from now on.</summary>
    public void Distrust()
    {
        lock (_lock)
        {
            if (_watched is { } watched)
                client.Rest(watched);
            _stream?.Cancel();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_following is { } following)
            await following;
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            using var stream = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            var member = client.InOrder()[0];
            lock (_lock)
                (_stream, _watched) = (stream, member);
            try
            {
                await FollowAsync(member, stream.Token);
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException or IOException)
            {
                if (_stopping.IsCancellationRequested)
                    return;
                if (error is RpcException rpc && rpc.StatusCode != StatusCode.Cancelled)
                {
                    client.Rest(member);
                    log.LogDebug("etcd at {Address} is no longer followed: {Reason}", member.Address.Authority, EtcdErrors.Text(rpc));
                }
            }
            finally
            {
                lock (_lock)
                    (_stream, _watched) = (null, null);
            }
            await Task.Delay(RestAfterFailure, time, CancellationToken.None);
        }
    }

    private async Task FollowAsync(EtcdMember member, CancellationToken cancellation)
    {
        var now = await client.RangeAsync(new V3.RangeRequest { Key = key }, cancellation);
        See(new EtcdSeen(now.Kvs.FirstOrDefault(), now.Header.Revision));
        // A member that is cut off from the others ends the stream instead of staying silent.
        var options = new CallOptions(new Metadata { { "hasleader", "true" } }, cancellationToken: cancellation);
        using var call = member.Watch.Watch(options);
        await call.RequestStream.WriteAsync(
            new V3.WatchRequest { CreateRequest = new() { Key = key, StartRevision = now.Header.Revision + 1 } }, cancellation);
        await foreach (var answer in call.ResponseStream.ReadAllAsync(cancellation))
        {
            // Compacted away what was to come: reading anew gives the present.
            if (answer.Canceled)
                return;
            if (answer.Created)
                member.Failures = 0;
            foreach (var change in answer.Events)
                See(new EtcdSeen(change.Type == V3.Event.Types.EventType.Put ? change.Kv : null, change.Kv.ModRevision));
        }
    }

    private void See(EtcdSeen seen)
    {
        TaskCompletionSource before;
        lock (_lock)
        {
            if (_seen is { } known && known.Revision >= seen.Revision && _seen.Pair is not null)
                return;
            _seen = seen;
            before = _changed;
            _changed = New();
        }
        before.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
