using Berth.Manager.Api;
using Berth.Manager.Store;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Observability;

/// <summary>What is gathered for whoever looks for what is wrong.</summary>
internal sealed class DebugCalls(DebugCollector collector, IClusterView view) : V1.ClusterAdmin.ClusterAdminBase
{
    public override Task CollectDebug(V1.CollectDebugRequest request, IServerStreamWriter<V1.DebugPart> responseStream, ServerCallContext context) =>
        RunAsync(request, responseStream, context);

    public override Task ReadMetrics(V1.ReadMetricsRequest request, IServerStreamWriter<V1.DebugPart> responseStream, ServerCallContext context) =>
        RunAsync(new V1.CollectDebugRequest { Nodes = { request.Nodes }, OnlyMetrics = true }, responseStream, context);

    private Task RunAsync(V1.CollectDebugRequest request, IServerStreamWriter<V1.DebugPart> responses, ServerCallContext context)
    {
        var nodes = view.Current.Nodes;
        foreach (var asked in request.Nodes)
        {
            if (!nodes.Values.Any(node => node.Id.ToString() == asked || node.Description.Hostname == asked))
                throw ApiErrors.NotFound($"there is no node '{asked}'; berth node ls shows all");
        }
        return collector.RunAsync(request, responses.WriteAsync, context.CancellationToken);
    }
}

/// <summary>Where other managers read this one's files.</summary>
internal sealed class DebugExchangeService(DebugFiles files) : V1.DebugExchange.DebugExchangeBase
{
    public override async Task Collect(V1.CollectDebugRequest request, IServerStreamWriter<V1.DebugPart> responseStream, ServerCallContext context)
    {
        foreach (var part in files.Own(request))
            await responseStream.WriteAsync(part, context.CancellationToken);
    }
}
