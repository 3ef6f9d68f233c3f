using Akka.Hosting;
using Berth.Manager.Store;

namespace Berth.Manager.Scheduling;

/// <summary>Adds scheduling to a manager.</summary>
public static class SchedulingHosting
{
    /// <summary>Starts <see cref="SchedulingActor"/>; after the store.</summary>
    public static AkkaConfigurationBuilder AddScheduling(this AkkaConfigurationBuilder akka) =>
        akka.WithActors((system, registry, resolver) =>
            registry.Register<SchedulingActor>(system.ActorOf(resolver.Props<SchedulingActor>().WithDispatcher(StoreSetup.Dispatcher), "scheduling")));
}
