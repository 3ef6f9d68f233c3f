using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Manager.Api;

/// <summary>Adds people's side to a manager.</summary>
public static class ApiHosting
{
    /// <summary>Registers <see cref="ControlService"/>, which the host maps, and what it uses. The host itself registers
    /// <see cref="ManagerFacts"/> and <see cref="IClusterView"/>.</summary>
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddGrpc().AddServiceOptions<ControlService>(options => options.MaxReceiveMessageSize = RequestLimits.MessageBytes);
        services.AddSingleton(provider =>
            new StoreGateway(provider.GetRequiredService<IRequiredActor<StoreActor>>().ActorRef, StoreGateway.DefaultPatience));
        services.AddSingleton(provider => new StateFeed(provider.GetRequiredService<IRequiredActor<StateFeedActor>>().ActorRef));
        services.AddSingleton<InfoCalls>();
        services.AddSingleton<StackCalls>();
        services.AddSingleton<ServiceCalls>();
        services.AddSingleton<TaskCalls>();
        services.AddSingleton<NodeCalls>();
        services.AddSingleton<NetworkCalls>();
        services.AddSingleton<FollowCalls>();
        services.AddSingleton<EventCalls>();
        services.AddSingleton<LogCalls>();
        services.AddSingleton<ExecCalls>();
        services.AddSingleton<ControlService>();
        return services;
    }

    /// <summary>Starts <see cref="StateFeedActor"/>; after the store.</summary>
    public static AkkaConfigurationBuilder AddApi(this AkkaConfigurationBuilder akka) =>
        akka.WithActors((system, registry) =>
        {
            var store = registry.Get<StoreActor>();
            registry.Register<StateFeedActor>(system.ActorOf(Props.Create(() => new StateFeedActor(store)), "state-feed"));
        });
}
