using Akka.Hosting;
using Berth.Manager.Store;

namespace Berth.Manager.Networks;

/// <summary>Adds networks to a manager.</summary>
public static class NetworksHosting
{
    /// <summary>Starts <see cref="NetworksActor"/>; after the store.</summary>
    public static AkkaConfigurationBuilder AddNetworks(this AkkaConfigurationBuilder akka) =>
        akka.WithActors((system, registry, resolver) =>
            registry.Register<NetworksActor>(system.ActorOf(resolver.Props<NetworksActor>().WithDispatcher(StoreSetup.Dispatcher), "networks")));
}
