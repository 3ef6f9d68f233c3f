using System.Threading.Channels;
using Berth.Manager.Dispatch;
using Berth.Manager.Identity;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Observability;

/// <summary>Gathers the files of every manager and agent that answers, and says which did not and why.</summary>
internal sealed class DebugCollector(
    DebugFiles files, IRelayHub relays, IClusterView view, OwnNode own, TimeProvider time, PeerChannels? peers = null)
{
    // Whoever does not answer must not keep the others' files back.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int AgentsAtOnce = 16;
    private const int MostAgents = 100;
    private const int MostWaiting = 16;

    /// <summary>Sends everything that can be had.</summary>
    /// <param name="request">Of whom, and what.</param>
    /// <param name="send">Takes the parts, one after the other.</param>
    /// <param name="cancellation">The caller went away.</param>
    public async Task RunAsync(V1.CollectDebugRequest request, Func<V1.DebugPart, CancellationToken, Task> send, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var parts = Channel.CreateBounded<V1.DebugPart>(MostWaiting);
        var gathering = GatherAsync(request, parts.Writer, ending.Token);
        try
        {
            await foreach (var part in parts.Reader.ReadAllAsync(cancellation))
                await send(part, cancellation);
            await gathering;
        }
        finally
        {
            await ending.CancelAsync();
            await gathering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task GatherAsync(V1.CollectDebugRequest request, ChannelWriter<V1.DebugPart> parts, CancellationToken cancellation)
    {
        Exception? failure = null;
        try
        {
            var state = view.Current;
            if (!request.OnlyMetrics && request.Nodes.Count == 0)
                await SendAsync(files.Cluster(), parts, cancellation);
            if (request.Nodes.Count == 0 || own.Id is { } me && IsAsked(request, state, me))
                await SendAsync(files.Own(request), parts, cancellation);
            var managers = ManagerEndpoints.Of(state).Where(manager => manager.Node != own.Id && IsAsked(request, state, manager.Node));
            await Task.WhenAll(
                Task.WhenAll(managers.Select(manager => AskManagerAsync(request, NameOf(state, manager.Node), manager.Url, parts, cancellation))),
                AskAgentsAsync(request, state, parts, cancellation));
        }
        catch (Exception error)
        {
            // Whoever reads the parts gets it.
            failure = error;
        }
        parts.TryComplete(failure);
    }

    private async Task AskAgentsAsync(V1.CollectDebugRequest request, ClusterState state, ChannelWriter<V1.DebugPart> parts, CancellationToken cancellation)
    {
        var nodes = state.Nodes.Values.Where(node => IsAsked(request, state, node.Id)).OrderBy(node => node.Id).ToList();
        if (nodes.Count > MostAgents)
            await parts.WriteAsync(Missing("agents", $"only {MostAgents} of {nodes.Count} agents were asked; name others with --node"), cancellation);
        var options = new ParallelOptions { MaxDegreeOfParallelism = AgentsAtOnce, CancellationToken = cancellation };
        await Parallel.ForEachAsync(nodes.Take(MostAgents), options, async (node, stop) => await AskAgentAsync(request, node, parts, stop));
    }

    private async Task AskManagerAsync(
        V1.CollectDebugRequest request, string name, string url, ChannelWriter<V1.DebugPart> parts, CancellationToken cancellation)
    {
        try
        {
            using var channel = peers!.Dial(url);
            using var call = new V1.DebugExchange.DebugExchangeClient(channel).Collect(
                request, deadline: (time.GetUtcNow() + Patience).UtcDateTime, cancellationToken: cancellation);
            await foreach (var part in call.ResponseStream.ReadAllAsync(cancellation))
                await parts.WriteAsync(part, cancellation);
        }
        catch (RpcException error) when (!cancellation.IsCancellationRequested)
        {
            await parts.WriteAsync(Missing($"managers/{name}", $"the manager cannot be asked: {error.Status.Detail}"), cancellation);
        }
    }

    private async Task AskAgentAsync(V1.CollectDebugRequest request, Node node, ChannelWriter<V1.DebugPart> parts, CancellationToken cancellation)
    {
        var source = $"agents/{node.Description.Hostname}";
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            var purpose = new V1.OpenRelay { Debug = new V1.RelayDebug { OnlyMetrics = request.OnlyMetrics } };
            await using var relay = await relays.OpenAsync(node.Id, purpose, either.Token);
            await foreach (var message in relay.ReadAsync(either.Token))
            {
                if (message.Part is { } part)
                    await parts.WriteAsync(new V1.DebugPart { Source = source, Name = part.Name, Content = part.Content, Problem = part.Problem }, either.Token);
                else if (message.Error.Length > 0)
                    await parts.WriteAsync(Missing(source, message.Error), either.Token);
            }
        }
        catch (RelayUnavailableException away)
        {
            await parts.WriteAsync(Missing(source, away.Message), cancellation);
        }
        catch (Exception broken) when (broken is OperationCanceledException or RpcException or IOException && !cancellation.IsCancellationRequested)
        {
            await parts.WriteAsync(Missing(source, $"the agent did not send everything within {Patience.TotalSeconds:0} s"), cancellation);
        }
    }

    private static async Task SendAsync(IEnumerable<V1.DebugPart> all, ChannelWriter<V1.DebugPart> parts, CancellationToken cancellation)
    {
        foreach (var part in all)
            await parts.WriteAsync(part, cancellation);
    }

    private static V1.DebugPart Missing(string source, string why) => new() { Source = source, Problem = why };

    private static bool IsAsked(V1.CollectDebugRequest request, ClusterState state, NodeId node) =>
        request.Nodes.Count == 0 || request.Nodes.Any(asked => asked == node.ToString() || asked == NameOf(state, node));

    private static string NameOf(ClusterState state, NodeId node) =>
        state.Nodes.TryGetValue(node, out var found) ? found.Description.Hostname : node.ToString();
}
