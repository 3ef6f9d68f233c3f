using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Manager.Leadership;

/// <summary>Adds leadership to a manager.</summary>
public static class LeadershipSetup
{
    /// <summary>Registers <see cref="ILeadership"/> and what finds out who leads.</summary>
    public static IServiceCollection AddLeadership(this IServiceCollection services, LeadershipOptions options, LeaderTerm term, LeadershipBoard board) => services
        .AddSingleton(options)
        .AddSingleton(term)
        .AddSingleton(board)
        .AddSingleton<ILeadership>(board)
        .AddSingleton<ILease>(board)
        .AddSingleton<LeadershipService>();

    /// <summary>Starts what finds out who leads; after the actors, and after whatever is to end later than the lead.</summary>
    public static IServiceCollection RunLeadership(this IServiceCollection services) =>
        services.AddHostedService(provider => provider.GetRequiredService<LeadershipService>());

    /// <summary>Starts the <see cref="StoreRouter"/>, which everybody knows as the store.</summary>
    /// <param name="builder">The system being built; the store's files are added.</param>
    /// <param name="factory">Makes the store actor.</param>
    /// <param name="follower">Makes the follower; null when there are no other managers.</param>
    public static AkkaConfigurationBuilder AddStoreRouter(
        this AkkaConfigurationBuilder builder, Func<IActorRegistry, StoreFactory> factory, Func<IActorRegistry, Props>? follower = null) =>
        builder.WithActors((system, registry) =>
        {
            var following = follower?.Invoke(registry);
            var made = factory(registry);
            registry.Register<StoreActor>(
                system.ActorOf(Props.Create(() => new StoreRouter(made, made.View, following)).WithDispatcher(StoreSetup.Dispatcher), "store"));
        });
}
