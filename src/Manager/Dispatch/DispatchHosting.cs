using Akka.Hosting;
using Berth.Manager.Nodes;
using Berth.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Manager.Dispatch;

/// <summary>Adds the agents' side to a manager.</summary>
public static class DispatchHosting
{
    /// <summary>Registers sessions, the relay hub and what they share with <see cref="NodesActor"/>; the gRPC service
    /// <see cref="DispatcherService"/> is mapped by the host.</summary>
    public static IServiceCollection AddDispatch(this IServiceCollection services)
    {
        services.AddNodes();
        services.TryAddSingleton(IdSource.Random);
        services.TryAddSingleton<AgentSessions>();
        services.TryAddSingleton<RelayHub>();
        services.TryAddSingleton<IRelayHub>(provider => provider.GetRequiredService<RelayHub>());
        services.TryAddSingleton<DispatcherService>();
        return services;
    }

    /// <summary>Starts <see cref="DispatchActor"/>; after the store and the nodes.</summary>
    public static AkkaConfigurationBuilder AddDispatch(this AkkaConfigurationBuilder akka) =>
        akka.WithActors((system, registry, resolver) =>
            registry.Register<DispatchActor>(system.ActorOf(resolver.Props<DispatchActor>(), "dispatch")));
}
