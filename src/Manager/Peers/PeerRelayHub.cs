using Berth.Manager.Dispatch;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Peers;

/// <summary>Streams to any node's agent: through this manager when its session is here, else through the one where it is.</summary>
/// <remarks>Who has the session is asked of all at the same time: it is known nowhere better than where it is, and a session that
/// moved a moment ago is found.</remarks>
public sealed class PeerRelayHub(RelayHub local, AgentSessions sessions, PeerDirectory peers, TimeProvider time) : IRelayHub
{
    /// <summary>A manager that has not answered by then will not: the agent's time to dial, and the way there and back.</summary>
    public static readonly TimeSpan OpenTime = RelayHub.DialTime + TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public async Task<IRelay> OpenAsync(NodeId node, V1.OpenRelay request, CancellationToken cancellation)
    {
        var others = peers.Others;
        if (sessions.Find(node) is not null || others.IsEmpty)
            return await local.OpenAsync(node, request, cancellation);

        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var asked = others.Select(manager => AskAsync(manager, node, request, over.Token)).ToList();
        var answers = new List<Answer>();
        var left = asked.ToHashSet();
        while (left.Count > 0)
        {
            var first = await Task.WhenAny(left);
            left.Remove(first);
            var answer = await first;
            answers.Add(answer);
            if (answer.Relay is not { } relay)
                continue;
            await over.CancelAsync();
            foreach (var late in left)
                await DropAsync(late);
            return relay;
        }
        cancellation.ThrowIfCancellationRequested();
        throw new RelayUnavailableException(Why(node, answers));
    }

    private async Task<Answer> AskAsync(PeerPlace manager, NodeId node, V1.OpenRelay request, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(OpenTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        // The call outlives the opening: its own token ends with the relay.
        var call = new PeerRelay(peers.Talk(manager), peers.NameOf(manager.Node), peers.NameOf(node));
        try
        {
            await call.OpenAsync(new V1.PeerRelayRequest { NodeId = node.ToString(), Request = request }, either.Token);
            return new Answer(manager, call, "");
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException or IOException or InvalidOperationException)
        {
            await call.DisposeAsync();
            return error switch
            {
                RpcException { StatusCode: StatusCode.NotFound } => new Answer(manager, null, ""),
                RpcException refused when refused.StatusCode != StatusCode.Cancelled => new Answer(manager, null, refused.Status.Detail),
                _ => new Answer(manager, null, $"no answer within {OpenTime.TotalSeconds:0.0} s"),
            };
        }
    }

    private static async Task DropAsync(Task<Answer> late)
    {
        if ((await late).Relay is { } relay)
            await relay.DisposeAsync();
    }

    private string Why(NodeId node, List<Answer> answers)
    {
        var failed = answers.Where(answer => answer.Problem.Length > 0).Select(answer => $"manager {peers.NameOf(answer.Manager.Node)}: {answer.Problem}").ToList();
        return failed.Count > 0
            ? $"the agent of node {peers.NameOf(node)} is not connected to this manager, and another could not open the stream: {string.Join("; ", failed)}; "
                + "try again, or see berth cluster status"
            : $"the agent of node {peers.NameOf(node)} is connected to none of the {answers.Count + 1} managers; see berth node ls, and the agent's log on its host";
    }

    private sealed record Answer(PeerPlace Manager, PeerRelay? Relay, string Problem);
}
