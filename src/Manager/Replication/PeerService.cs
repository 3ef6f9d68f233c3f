using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Access;
using Berth.Manager.Leadership;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Status = Grpc.Core.Status;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>Where standbys dial in.</summary>
internal sealed class PeerService(
    ILeadership leadership, IRequiredActor<FeedActor> feed, IRequiredActor<StoreActor> store, RemoteSessions remote, StandbyTable standbys, IClusterView view,
    LinkTimes times, TimeProvider time, ILogger<PeerService> log) : V1.Peer.PeerBase
{
    private static readonly V1.FromLeader Beat = new() { Beat = new V1.LeaderBeat() };

    /// <inheritdoc/>
    public override async Task Link(
        IAsyncStreamReader<V1.FromStandby> requestStream, IServerStreamWriter<V1.FromLeader> responseStream, ServerCallContext context)
    {
        if (await FirstAsync(requestStream, context.CancellationToken) is not { } hello)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "a link begins with what the standby holds"));
        if (context.GetHttpContext().Features.Get<Caller>() is { } caller && caller.Node != PeerMapper.NodeOf(hello.Node))
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"{caller.Name} says it is {PeerMapper.NodeOf(hello.Node)}"));
        if (Objection(hello) is { } objection)
        {
            await responseStream.WriteAsync(new V1.FromLeader { Goodbye = new V1.Goodbye { Reason = objection } }, context.CancellationToken);
            return;
        }
        if (WrongRelease(ReleaseLevel.OfWire(hello.Level)) is { } release)
        {
            log.LogWarning("Standby {Node} is not let in: {Reason}", PeerMapper.NodeOf(hello.Node), release);
            await responseStream.WriteAsync(new V1.FromLeader { Goodbye = new V1.Goodbye { Reason = release, WrongRelease = true } }, context.CancellationToken);
            return;
        }
        using var session = new StandbySession(hello);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, session.Closed);
        var reason = "its connection broke";
        try
        {
            feed.ActorRef.Tell(new FeedActor.Join(session));
            log.LogInformation("Standby {Node} follows, from index {Index}", session.Node, hello.Index);
            await HoldAsync(session, requestStream, responseStream, ending);
            reason = "this manager no longer leads";
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or RpcException or TimeoutException)
        {
            reason = session.Reason ?? (error is TimeoutException ? error.Message : reason);
            if (!context.CancellationToken.IsCancellationRequested)
                throw new RpcException(new Status(StatusCode.Unavailable, reason));
        }
        finally
        {
            feed.ActorRef.Tell(new FeedActor.Leave(session));
            standbys.Remove(session);
            remote.End(session.Node);
            log.LogInformation("Standby {Node} follows no more: {Reason}", session.Node, reason);
        }
    }

    private string? Objection(V1.StandbyHello hello)
    {
        if (!leadership.IsLeading)
            return "this manager does not lead";
        var epoch = leadership.Current.Epoch;
        if (hello.Epoch <= epoch)
            return null;
        // The standby has seen a later term than this process leads in: the next renewal will say the same.
        return $"this manager leads in epoch {epoch}, and epoch {hello.Epoch} has begun";
    }

    private string? WrongRelease(int level) => level < view.Current.Level
        ? NewerReleaseException.Of(view.Current.Level, level).Message
        : ReleaseLevel.Problem("the standby", level, "the leader", ReleaseLevel.Own);

    // Ends by itself when this process lets go of the lead.
    private async Task HoldAsync(
        StandbySession session, IAsyncStreamReader<V1.FromStandby> requests, IServerStreamWriter<V1.FromLeader> responses, CancellationTokenSource ending)
    {
        var reading = ReadAsync(session, requests, ending.Token);
        var writing = WriteAsync(session, responses, ending.Token);
        try
        {
            await await Task.WhenAny(reading, writing);
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WriteAsync(StandbySession session, IServerStreamWriter<V1.FromLeader> responses, CancellationToken cancellation)
    {
        var welcome = new V1.LeaderWelcome { Epoch = leadership.Current.Epoch, Level = ReleaseLevel.Own };
        while (!session.Begun.IsCompleted && leadership.IsLeading)
        {
            await responses.WriteAsync(Beat, cancellation);
            await Task.WhenAny(session.Begun, Task.Delay(times.Beat, time, cancellation));
        }
        if (leadership.IsLeading)
        {
            var catchUp = await session.Begun;
            welcome.Index = catchUp.State.Index;
            await responses.WriteAsync(new V1.FromLeader { Welcome = welcome }, cancellation);
            foreach (var message in catchUp.Messages())
                await responses.WriteAsync(message, cancellation);
            await WriteLiveAsync(session, responses, cancellation);
        }
        await responses.WriteAsync(new V1.FromLeader { Goodbye = new V1.Goodbye { Reason = "the leader lets go" } }, cancellation);
    }

    private async Task WriteLiveAsync(StandbySession session, IServerStreamWriter<V1.FromLeader> responses, CancellationToken cancellation)
    {
        var over = OverAsync();
        while (leadership.IsLeading)
        {
            while (session.Outgoing.TryRead(out var message))
            {
                await responses.WriteAsync(message, cancellation);
                session.Sent(message.CalculateSize());
            }
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var beat = Task.Delay(times.Beat, time, waiting.Token);
            var first = await Task.WhenAny(session.Outgoing.WaitToReadAsync(waiting.Token).AsTask(), beat, over);
            if (first == beat)
                await responses.WriteAsync(Beat, cancellation);
            await waiting.CancelAsync();
            cancellation.ThrowIfCancellationRequested();
        }

        async Task OverAsync()
        {
            while (leadership.IsLeading)
            {
                var changed = leadership.Changed;
                if (leadership.IsLeading)
                    await changed.WaitAsync(cancellation);
            }
        }
    }

    private async Task ReadAsync(StandbySession session, IAsyncStreamReader<V1.FromStandby> requests, CancellationToken cancellation)
    {
        using var silence = new Silence("it", times.Silence, time, cancellation);
        while (await silence.NextAsync(requests))
            Take(session, requests.Current);
        throw new OperationCanceledException("the standby ended the link");
    }

    private void Take(StandbySession session, V1.FromStandby message)
    {
        switch (message.MessageCase)
        {
            case V1.FromStandby.MessageOneofCase.Heard:
                standbys.Put(session, new Standby(session.Node, session.Hello.Version, message.Heard.Index) { Level = ReleaseLevel.OfWire(session.Hello.Level) });
                remote.Heard(session.Node, message.Heard);
                break;
            case V1.FromStandby.MessageOneofCase.Session:
                remote.Changed(session.Node, message.Session);
                break;
            case V1.FromStandby.MessageOneofCase.Observed:
                store.ActorRef.Tell(PeerMapper.ToModel(message.Observed, time.GetUtcNow()));
                break;
            case V1.FromStandby.MessageOneofCase.Register:
                _ = RegisterAsync(session, message.Register);
                break;
        }
    }

    private async Task RegisterAsync(StandbySession session, V1.RegisterOnLeader register)
    {
        var answer = new V1.RegisterAnswer { Request = register.Request };
        try
        {
            var execute = new StoreProtocol.Execute(PeerMapper.ToModel(register, time.GetUtcNow()));
            switch (await store.ActorRef.Ask<object>(execute, times.Patience, session.Closed))
            {
                case StoreProtocol.Executed executed:
                    answer.Index = executed.Index;
                    break;
                case StoreProtocol.Refused refused:
                    (answer.Refusal, answer.Message) = ((int)refused.Reason, refused.Message);
                    break;
                default:
                    return;
            }
        }
        catch (Exception error) when (error is AskTimeoutException or OperationCanceledException or FormatException or NoLeaderException)
        {
            // Unanswered: the standby asks the next leader, or tells its agent to try again.
            log.LogWarning("A registration from standby {Node} was not answered: {Reason}", session.Node, error.Message);
            return;
        }
        session.Send(new V1.FromLeader { Answer = answer }, answer.CalculateSize());
    }

    private async Task<V1.StandbyHello?> FirstAsync(IAsyncStreamReader<V1.FromStandby> requests, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(times.Connect, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        return await requests.MoveNext(either.Token) ? requests.Current.Hello : null;
    }
}
