using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Leadership;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Replication;

/// <summary>Adds what keeps managers of a shared store alike.</summary>
public static class ReplicationSetup
{
    /// <summary>Registers <see cref="PeerService"/>, which <see cref="MapReplication"/> maps, and <see cref="IStandbys"/>. The host
    /// registers an <see cref="IPeerDialer"/>.</summary>
    public static IServiceCollection AddReplication(this IServiceCollection services)
    {
        services.TryAddSingleton(new LinkTimes());
        services.TryAddSingleton<StandbyTable>();
        services.TryAddSingleton<IStandbys>(provider => provider.GetRequiredService<StandbyTable>());
        services.AddSingleton<RemoteSessions>();
        services.AddSingleton<PeerService>();
        services.AddGrpc().AddServiceOptions<PeerService>(options => options.MaxReceiveMessageSize = null);
        return services;
    }

    /// <summary>Watches over the release level of the state; also where nobody can follow.</summary>
    public static IServiceCollection AddLevels(this IServiceCollection services)
    {
        services.TryAddSingleton<StandbyTable>();
        services.TryAddSingleton<IStandbys>(provider => provider.GetRequiredService<StandbyTable>());
        return services.AddHostedService<LevelWatch>();
    }

    /// <summary>Maps the calls of standbys.</summary>
    public static GrpcServiceEndpointConventionBuilder MapReplication(this IEndpointRouteBuilder app) => app.MapGrpcService<PeerService>();

    /// <summary>Starts the feed for standbys; before the router, whose store tells it.</summary>
    /// <param name="akka">The system being built.</param>
    /// <param name="isFollowed">Whether there can be standbys; nothing is started where there cannot.</param>
    public static AkkaConfigurationBuilder AddFeed(this AkkaConfigurationBuilder akka, bool isFollowed) => !isFollowed
        ? akka
        : akka.WithActors((system, registry) =>
            registry.Register<FeedActor>(system.ActorOf(Props.Create(() => new FeedActor()).WithDispatcher(StoreSetup.Dispatcher), "feed")));

    /// <summary>How a standby's follower is made, for the router.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="store">How the store is kept.</param>
    /// <param name="version">Of this program.</param>
    public static Props Follower(this IServiceProvider services, StoreOptions store, string version)
    {
        var time = services.GetRequiredService<TimeProvider>();
        var parts = new FollowerParts(
            services.GetRequiredService<ILeadership>(),
            services.GetRequiredService<LeadershipOptions>().Me,
            version,
            services.GetRequiredService<IPeerDialer>(),
            services.GetRequiredService<Heartbeats>(),
            to => StoreReader.Props(to, store, new StoreStart(), time),
            services.GetRequiredService<IHostApplicationLifetime>().StopApplication,
            services.GetRequiredService<LinkTimes>(),
            time,
            services.GetRequiredService<ILoggerFactory>().CreateLogger("Berth.Manager.Replication"),
            services.GetRequiredService<IStoreFailure>());
        return Props.Create(() => new FollowerActor(parts)).WithDispatcher(StoreSetup.Dispatcher);
    }
}
