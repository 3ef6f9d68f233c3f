using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>Calls about services.</summary>
internal sealed class ServiceCalls(IClusterView view, StoreGateway store)
{
    public async Task<V1.ServiceChanged> CreateAsync(V1.CreateServiceRequest request, CancellationToken cancellation)
    {
        var spec = RequestLimits.Service(request.Spec).ToModel();
        return Changed(One(await ExecuteAsync(new Command.CreateService(spec), Inspect(spec.Name), cancellation)));
    }

    public async Task<V1.ServiceChanged> UpdateAsync(V1.UpdateServiceRequest request, CancellationToken cancellation)
    {
        RequestLimits.Reference("id", request.Id);
        if (request.Version < 0)
            throw ApiErrors.Invalid($"version is {request.Version}; give the version that was read, or 0 not to check it");
        var command = new Command.UpdateService(request.Id, request.Version, RequestLimits.Service(request.Spec).ToModel());
        return Changed(One(await ExecuteAsync(command, Inspect(request.Id), cancellation)));
    }

    public async Task<V1.ScaleServicesResponse> ScaleAsync(V1.ScaleServicesRequest request, CancellationToken cancellation)
    {
        RequestLimits.References("scales", [.. request.Scales.Select(scale => scale.Service)]);
        var command = new Command.ScaleServices(request.Scales.Select(scale => (scale.Service, scale.Replicas)).ToValueList());
        var outcomes = await ExecuteAsync(command, "berth service ls", cancellation);
        return new V1.ScaleServicesResponse { Services = { outcomes.Select(Changed) } };
    }

    public async Task<V1.ServiceChanged> RollbackAsync(V1.RollbackServiceRequest request, CancellationToken cancellation)
    {
        RequestLimits.Reference("service", request.Service);
        return Changed(One(await ExecuteAsync(new Command.RollbackService(request.Service), Inspect(request.Service), cancellation)));
    }

    public async Task<V1.RemoveServicesResponse> RemoveAsync(V1.RemoveServicesRequest request, CancellationToken cancellation)
    {
        RequestLimits.References("services", request.Services);
        var command = new Command.RemoveServices(request.Services.ToValueList());
        var outcomes = await ExecuteAsync(command, "berth service ls", cancellation);
        return new V1.RemoveServicesResponse { Services = { outcomes.Select(outcome => outcome.ToWire()) } };
    }

    public V1.ListServicesResponse List(V1.ListServicesRequest request)
    {
        var state = view.Current;
        var services = state.Services.Values.AsEnumerable();
        if (request.Stack.Length > 0)
        {
            RequestLimits.Reference("stack", request.Stack);
            StackCalls.Find(state, request.Stack);
            services = services.Where(service => service.Stack == request.Stack);
        }
        return new V1.ListServicesResponse
        {
            Services = { services.OrderBy(service => service.Spec.Name, StringComparer.Ordinal).Select(service => Summary(state, service)) },
            Version = state.Index,
        };
    }

    public V1.ServiceSummary Get(V1.GetServiceRequest request)
    {
        RequestLimits.Reference("service", request.Service);
        var state = view.Current;
        return Summary(state, References.Service(state, request.Service).OrThrow());
    }

    private static V1.ServiceSummary Summary(ClusterState state, Service service) => new()
    {
        Service = service.ToWire(),
        Running = ServiceCounts.Running(state, service.Id),
        Desired = ServiceCounts.Desired(state, service),
    };

    // The store published the state before it acknowledged, so the service is there unless another call removed it since.
    private V1.ServiceChanged Changed(ServiceOutcome outcome) => new()
    {
        Service = view.Current.Services.TryGetValue(outcome.Id, out var service)
            ? service.ToWire()
            : new V1.Service { Id = outcome.Id.ToString(), Spec = new V1.ServiceSpec { Name = outcome.Name } },
        ReplacesTasks = outcome.ReplacesTasks,
        Changed = outcome.Kind != ServiceOutcomeKind.Unchanged,
    };

    private async Task<IReadOnlyList<ServiceOutcome>> ExecuteAsync(Command command, string check, CancellationToken cancellation) =>
        (await store.ExecuteAsync<CommandResults.ServicesChanged>(command, check, cancellation)).Result.Services;

    private static ServiceOutcome One(IReadOnlyList<ServiceOutcome> outcomes) => outcomes[0];

    private static string Inspect(string service) => $"berth service inspect {service}";
}
