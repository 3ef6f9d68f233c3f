using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Calls about tasks.</summary>
internal sealed class TaskCalls(IClusterView view)
{
    // Rows sent before the stream is flushed: a frame per row would cost more than the row.
    private const int RowsAtOnce = 100;

    public V1.TaskRow Get(V1.GetTaskRequest request)
    {
        RequestLimits.Reference("task", request.Task);
        var state = view.Current;
        return new TaskRows(state).Full(References.Task(state, request.Task).OrThrow());
    }

    public async Task ListAsync(V1.ListTasksRequest request, IServerStreamWriter<V1.TaskRow> rows, CancellationToken cancellation)
    {
        RequestLimits.References("services", request.Services, mayBeEmpty: true);
        RequestLimits.References("nodes", request.Nodes, mayBeEmpty: true);
        var state = view.Current;
        var tasks = TaskRows.Sort(state, Select(state, request)).ToList();
        var builder = new TaskRows(state);
        for (var at = 0; at < tasks.Count; at++)
        {
            var isFlushed = at == tasks.Count - 1 || at % RowsAtOnce == RowsAtOnce - 1;
            rows.WriteOptions = isFlushed ? WriteOptions.Default : new WriteOptions(WriteFlags.BufferHint);
            await rows.WriteAsync(builder.Full(tasks[at]), cancellation);
        }
    }

    /// <summary>The tasks that match every filter; refuses a filter that names nothing.</summary>
    public static IEnumerable<ServiceTask> Select(ClusterState state, V1.ListTasksRequest request)
    {
        var services = request.Services.Select(reference => References.Service(state, reference).OrThrow().Id).ToHashSet();
        var nodes = request.Nodes.Select(reference => References.Node(state, reference).OrThrow().Id).ToHashSet();
        if (request.Stack.Length > 0)
        {
            var inStack = state.Services.Values
                .Where(service => service.Stack == StackCalls.Find(state, request.Stack).Name).Select(service => service.Id);
            if (services.Count > 0)
                services.IntersectWith(inStack);
            else
                services.UnionWith(inStack);
            if (services.Count == 0)
                return [];
        }

        // The narrowest index first: a node has few of a service's tasks, a service few of the cluster's.
        var tasks = nodes.Count > 0 ? nodes.SelectMany(state.TasksOn)
            : services.Count > 0 ? services.SelectMany(state.TasksOf)
            : state.Tasks.Values;
        return tasks.Where(task =>
            (services.Count == 0 || services.Contains(task.ServiceId)) && (!request.LiveOnly || task.IsLive));
    }
}
