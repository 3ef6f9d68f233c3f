using System.Threading.Channels;
using Akka.Actor;
using Berth.Manager.Store;
using Grpc.Core;
using Grpc.Net.Client;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>A standby's end of a link: reads for <see cref="FollowerActor"/>, sends what it is given, and notices silence.</summary>
internal sealed class LeaderLink : IDisposable
{
    // Reports of all agents of a manager after a large deployment; more means that the leader does not take them.
    private const int MostWaiting = 10_000;

    private readonly CancellationTokenSource _closing = new();
    private readonly Channel<V1.FromStandby> _outgoing = Channel.CreateBounded<V1.FromStandby>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly LinkTimes _times;
    private readonly TimeProvider _time;

    private LeaderLink(long epoch, LinkTimes times, TimeProvider time) => (Epoch, _times, _time) = (epoch, times, time);

    /// <summary>The term in which the dialled manager leads.</summary>
    public long Epoch { get; }

    /// <summary>Dials; from now on <paramref name="owner"/> hears of it.</summary>
    public static LeaderLink Open(IPeerDialer dialer, string url, V1.StandbyHello hello, IActorRef owner, LinkTimes times, TimeProvider time)
    {
        var link = new LeaderLink(hello.Epoch, times, time);
        link.Send(new V1.FromStandby { Hello = hello });
        _ = link.RunAsync(dialer, url, owner);
        return link;
    }

    /// <summary>Sends a message behind those that wait; a link that takes no more ends.</summary>
    public void Send(V1.FromStandby message)
    {
        if (!_outgoing.Writer.TryWrite(message))
            Close();
    }

    /// <summary>Ends it.</summary>
    public void Close()
    {
        try
        {
            _closing.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself meanwhile.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _closing.Dispose();

    private async Task RunAsync(IPeerDialer dialer, string url, IActorRef owner)
    {
        var reason = "the leader ended the link";
        var isDemoted = false;
        try
        {
            using var channel = dialer.Dial(url);
            using var call = new V1.Peer.PeerClient(channel).Link(cancellationToken: _closing.Token);
            var writing = WriteAsync(call.RequestStream);
            try
            {
                await ReadAsync(call.ResponseStream, owner);
            }
            finally
            {
                Close();
                await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (TimeoutException silence)
        {
            reason = silence.Message;
        }
        catch (Exception error)
        {
            // Whatever ends a connection: it is dialled again.
            reason = error is RpcException rpc ? rpc.Status.Detail : error.Message;
            isDemoted = error is RpcException { StatusCode: StatusCode.PermissionDenied } && NodeAdmission.IsDemotion(reason);
        }
        finally
        {
            Close();
            owner.Tell(new LinkProtocol.Ended(this, reason, isDemoted));
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<V1.FromLeader> responses, IActorRef owner)
    {
        using var silence = new Silence("the leader", _times.Connect, _time, _closing.Token);
        while (await silence.NextAsync(responses))
        {
            silence.Limit = _times.Silence;
            owner.Tell(new LinkProtocol.Heard(this, responses.Current));
        }
    }

    private async Task WriteAsync(IClientStreamWriter<V1.FromStandby> requests)
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync(_closing.Token))
            await requests.WriteAsync(message, _closing.Token);
    }
}
