using Berth.Manager.Dispatch;
using Berth.Model;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Peers;

/// <summary>What other managers ask of this one.</summary>
internal sealed class PeerTalkService(Func<V1.Greeting> greeting, RelayHub relays, AgentSessions sessions, IHostApplicationLifetime lifetime) : V1.PeerTalk.PeerTalkBase
{
    // A manager that opens a stream says for whom at once.
    private static readonly TimeSpan FirstTime = TimeSpan.FromSeconds(5);

    public override Task<V1.Greeting> Greet(V1.Greeting request, ServerCallContext context) => Task.FromResult(greeting());

    public override async Task OpenRelay(
        IAsyncStreamReader<V1.RelayFromPeer> requestStream, IServerStreamWriter<V1.RelayFromAgent> responseStream, ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        if (!await requestStream.MoveNext(ending.Token).WaitAsync(FirstTime, ending.Token)
            || requestStream.Current.Open is not { Request: not null } open || !NodeId.TryParse(open.NodeId, out var node))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "a relay begins with the node it is for"));
        }
        if (sessions.Find(node) is null)
            throw new RpcException(new Status(StatusCode.NotFound, $"the session of node {node} is not here"));
        try
        {
            await using var relay = await relays.OpenAsync(node, open.Request, ending.Token);
            await context.WriteResponseHeadersAsync(new Metadata { { PeerRelay.OpenHeader, "1" } });
            await JoinAsync(relay, requestStream, responseStream, ending);
        }
        catch (RelayUnavailableException gone)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, gone.Message));
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the manager is stopping"));
        }
    }

    // Each message is read once the one before is written: a slow reader slows the agent, and nothing piles up here.
    private static async Task JoinAsync(
        IRelay relay, IAsyncStreamReader<V1.RelayFromPeer> requests, IServerStreamWriter<V1.RelayFromAgent> responses, CancellationTokenSource ending)
    {
        var input = PassInputAsync(relay, requests, ending.Token);
        try
        {
            await foreach (var message in relay.ReadAsync(ending.Token))
                await responses.WriteAsync(message, ending.Token);
        }
        finally
        {
            await ending.CancelAsync();
            await input.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task PassInputAsync(IRelay relay, IAsyncStreamReader<V1.RelayFromPeer> requests, CancellationToken cancellation)
    {
        while (await requests.MoveNext(cancellation))
        {
            if (requests.Current.ToAgent is { } message)
                await relay.WriteAsync(message, cancellation);
        }
    }
}
