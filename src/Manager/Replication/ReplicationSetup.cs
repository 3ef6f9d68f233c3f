using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Leadership;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Manager.Replication;

/// <summary>Adds what keeps managers of a shared store alike.</summary>
public static class ReplicationSetup
{
    /// <summary>Registers <see cref="PeerService"/>, which <see cref="MapReplication"/> maps, and <see cref="IStandbys"/>. The host
    /// registers an <see cref="IPeerDialer"/>.</summary>
    public static IServiceCollection AddReplication(this IServiceCollection services)
    {
        services.TryAddSingleton(new LinkTimes());
        services.AddSingleton<StandbyTable>();
        services.AddSingleton<IStandbys>(provider => provider.GetRequiredService<StandbyTable>());
        services.AddSingleton<RemoteSessions>();
        services.AddSingleton<PeerService>();
        services.AddGrpc().AddServiceOptions<PeerService>(options => options.MaxReceiveMessageSize = null);
        return services;
    }

    /// <summary>Maps the calls of standbys.</summary>
    public static GrpcServiceEndpointConventionBuilder MapReplication(this IEndpointRouteBuilder app) => app.MapGrpcService<PeerService>();

    /// <summary>Starts the feed for standbys; before the router, whose store tells it.</summary>
    public static AkkaConfigurationBuilder AddFeed(this AkkaConfigurationBuilder akka) => akka.WithActors((system, registry) =>
        registry.Register<FeedActor>(system.ActorOf(Props.Create(() => new FeedActor()).WithDispatcher(StoreSetup.Dispatcher), "feed")));

    /// <summary>How a standby's follower is made, for the router.</summary>
    /// <param name="leadership">Who leads.</param>
    /// <param name="options">This manager's place in it.</param>
    /// <param name="version">Of this program.</param>
    /// <param name="dialer">Connects to the leader.</param>
    /// <param name="heartbeats">Sessions of this manager's agents.</param>
    /// <param name="store">How the store is kept.</param>
    /// <param name="start">Its plugins.</param>
    /// <param name="times">How links are kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where it says what happens.</param>
    public static Props Follower(
        ILeadership leadership, LeadershipOptions options, string version, IPeerDialer dialer, Heartbeats heartbeats, StoreOptions store,
        StoreStart start, LinkTimes times, TimeProvider time, Microsoft.Extensions.Logging.ILogger log)
    {
        var parts = new FollowerParts(
            leadership, options.Me, version, dialer, heartbeats, to => StoreReader.Props(to, store, start, time), times, time, log);
        return Props.Create(() => new FollowerActor(parts)).WithDispatcher(StoreSetup.Dispatcher);
    }
}
