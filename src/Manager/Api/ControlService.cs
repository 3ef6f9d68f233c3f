using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>What people's tools call. Each call goes to the file of its noun; this one only says which.</summary>
internal sealed class ControlService(
    InfoCalls info, StackCalls stacks, ServiceCalls services, TaskCalls tasks, NodeCalls nodes, NetworkCalls networks, FollowCalls follow,
    EventCalls events, LogCalls logs, ExecCalls exec, IHostApplicationLifetime host, ILogger<ControlService> log) : V1.Control.ControlBase
{
    public override Task<V1.Info> GetInfo(V1.GetInfoRequest request, ServerCallContext context) =>
        Answer(() => info.Get(), context);

    public override Task<V1.DeployStackResponse> DeployStack(V1.DeployStackRequest request, ServerCallContext context) =>
        Answer(() => stacks.DeployAsync(request, context.CancellationToken), context);

    public override Task<V1.ListStacksResponse> ListStacks(V1.ListStacksRequest request, ServerCallContext context) =>
        Answer(() => stacks.List(), context);

    public override Task<V1.RemoveStackResponse> RemoveStack(V1.RemoveStackRequest request, ServerCallContext context) =>
        Answer(() => stacks.RemoveAsync(request, context.CancellationToken), context);

    public override Task<V1.ServiceChanged> CreateService(V1.CreateServiceRequest request, ServerCallContext context) =>
        Answer(() => services.CreateAsync(request, context.CancellationToken), context);

    public override Task<V1.ServiceChanged> UpdateService(V1.UpdateServiceRequest request, ServerCallContext context) =>
        Answer(() => services.UpdateAsync(request, context.CancellationToken), context);

    public override Task<V1.ScaleServicesResponse> ScaleServices(V1.ScaleServicesRequest request, ServerCallContext context) =>
        Answer(() => services.ScaleAsync(request, context.CancellationToken), context);

    public override Task<V1.ServiceChanged> RollbackService(V1.RollbackServiceRequest request, ServerCallContext context) =>
        Answer(() => services.RollbackAsync(request, context.CancellationToken), context);

    public override Task<V1.RemoveServicesResponse> RemoveServices(V1.RemoveServicesRequest request, ServerCallContext context) =>
        Answer(() => services.RemoveAsync(request, context.CancellationToken), context);

    public override Task<V1.ListServicesResponse> ListServices(V1.ListServicesRequest request, ServerCallContext context) =>
        Answer(() => services.List(request), context);

    public override Task<V1.ServiceSummary> GetService(V1.GetServiceRequest request, ServerCallContext context) =>
        Answer(() => services.Get(request), context);

    public override Task ListTasks(V1.ListTasksRequest request, IServerStreamWriter<V1.TaskRow> responseStream, ServerCallContext context) =>
        Stream(stop => tasks.ListAsync(request, responseStream, stop), context);

    public override Task<V1.TaskRow> GetTask(V1.GetTaskRequest request, ServerCallContext context) =>
        Answer(() => tasks.Get(request), context);

    public override Task<V1.NetworkSummary> CreateNetwork(V1.CreateNetworkRequest request, ServerCallContext context) =>
        Answer(() => networks.CreateAsync(request, context.CancellationToken), context);

    public override Task<V1.RemoveNetworksResponse> RemoveNetworks(V1.RemoveNetworksRequest request, ServerCallContext context) =>
        Answer(() => networks.RemoveAsync(request, context.CancellationToken), context);

    public override Task<V1.ListNetworksResponse> ListNetworks(V1.ListNetworksRequest request, ServerCallContext context) =>
        Answer(() => networks.List(), context);

    public override Task<V1.NetworkSummary> GetNetwork(V1.GetNetworkRequest request, ServerCallContext context) =>
        Answer(() => networks.Get(request), context);

    public override Task<V1.ListNodesResponse> ListNodes(V1.ListNodesRequest request, ServerCallContext context) =>
        Answer(() => nodes.List(), context);

    public override Task<V1.NodeSummary> GetNode(V1.GetNodeRequest request, ServerCallContext context) =>
        Answer(() => nodes.Get(request), context);

    public override Task<V1.NodeSummary> UpdateNode(V1.UpdateNodeRequest request, ServerCallContext context) =>
        Answer(() => nodes.UpdateAsync(request, context.CancellationToken), context);

    public override Task FollowServices(
        V1.FollowServicesRequest request, IServerStreamWriter<V1.ServicesProgress> responseStream, ServerCallContext context) =>
        Stream(stop => follow.ServicesAsync(request, responseStream, stop), context);

    public override Task FollowDrain(
        V1.FollowDrainRequest request, IServerStreamWriter<V1.DrainProgress> responseStream, ServerCallContext context) =>
        Stream(stop => follow.DrainAsync(request, responseStream, stop), context);

    public override Task WatchEvents(V1.WatchEventsRequest request, IServerStreamWriter<V1.Event> responseStream, ServerCallContext context) =>
        Stream(stop => events.WatchAsync(responseStream, () => context.WriteResponseHeadersAsync([]), stop), context);

    public override Task Logs(V1.LogsRequest request, IServerStreamWriter<V1.LogItem> responseStream, ServerCallContext context) =>
        Stream(stop => logs.ReadAsync(request, responseStream, stop), context);

    public override Task Exec(
        IAsyncStreamReader<V1.ExecInput> requestStream, IServerStreamWriter<V1.ExecOutput> responseStream, ServerCallContext context) =>
        Stream(stop => exec.RunAsync(requestStream, responseStream, stop), context);

    private Task<T> Answer<T>(Func<T> call, ServerCallContext context) =>
        ApiErrors.Guard(() => Task.FromResult(call()), context, log);

    private Task<T> Answer<T>(Func<Task<T>> call, ServerCallContext context) => ApiErrors.Guard(call, context, log);

    // A manager that stops ends its streams at once, saying so, instead of waiting for readers that never leave.
    private Task Stream(Func<CancellationToken, Task> call, ServerCallContext context) => ApiErrors.Guard(
        async () =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping);
            try
            {
                await call(stop.Token);
            }
            catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested && host.ApplicationStopping.IsCancellationRequested)
            {
                throw ApiErrors.Unavailable("the manager is stopping; call again");
            }
        },
        context,
        log);
}
