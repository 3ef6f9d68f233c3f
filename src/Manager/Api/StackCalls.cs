using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Calls about stacks.</summary>
internal sealed class StackCalls(IClusterView view, StoreGateway store)
{
    /// <summary>The stack of that name; refuses when there is none.</summary>
    public static Stack Find(ClusterState state, string name) =>
        state.Stacks.TryGetValue(name, out var stack)
            ? stack
            : throw ApiErrors.NotFound($"there is no stack '{name}'; see berth stack ls");

    public async Task<V1.DeployStackResponse> DeployAsync(V1.DeployStackRequest request, CancellationToken cancellation)
    {
        var spec = RequestLimits.Stack(request.Spec).ToModel();
        var (index, result) = await store.ExecuteAsync<CommandResults.StackDeployed>(
            new Command.DeployStack(spec, request.KeepOrphans), Check(spec.Name), cancellation);
        return new V1.DeployStackResponse
        {
            Stack = (view.Current.Stacks.GetValueOrDefault(spec.Name) ?? result.Stack).ToWire(),
            Version = index,
            Services = { result.Services.Select(outcome => outcome.ToWire()) },
            NewNetworks = { result.NewNetworks },
        };
    }

    public V1.ListStacksResponse List()
    {
        var state = view.Current;
        var services = state.Services.Values.Where(service => service.Stack is not null).ToLookup(service => service.Stack);
        return new V1.ListStacksResponse
        {
            Stacks =
            {
                state.Stacks.Values.OrderBy(stack => stack.Name, StringComparer.Ordinal).Select(stack => new V1.StackSummary
                {
                    Stack = stack.ToWire(),
                    Services = services[stack.Name].Count(),
                    TasksRunning = services[stack.Name].Sum(service => ServiceCounts.Running(state, service.Id)),
                    TasksDesired = services[stack.Name].Sum(service => ServiceCounts.Desired(state, service)),
                }),
            },
        };
    }

    public async Task<V1.RemoveStackResponse> RemoveAsync(V1.RemoveStackRequest request, CancellationToken cancellation)
    {
        RequestLimits.Reference("name", request.Name);
        var (index, result) = await store.ExecuteAsync<CommandResults.ServicesChanged>(
            new Command.RemoveStack(request.Name), "berth stack ls", cancellation);
        return new V1.RemoveStackResponse { Version = index, Services = { result.Services.Select(outcome => outcome.ToWire()) } };
    }

    private static string Check(string stack) => $"berth stack services {stack}";
}

/// <summary>Outcomes of commands as they travel.</summary>
internal static class Outcomes
{
    public static V1.ServiceChange ToWire(this ServiceOutcome outcome) => new()
    {
        Id = outcome.Id.ToString(),
        Name = outcome.Name,
        Kind = (V1.ServiceChange.Types.Kind)outcome.Kind,
        ReplacesTasks = outcome.ReplacesTasks,
    };
}
