using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Orchestration;

/// <summary>Puts orchestration into an actor system.</summary>
public static class OrchestrationSetup
{
    /// <summary>Starts the <see cref="OrchestrationActor"/>; the store is added before.</summary>
    /// <param name="builder">The system being built.</param>
    /// <param name="ids">Where ids of new tasks come from.</param>
    /// <param name="time">The leader's clock.</param>
    public static AkkaConfigurationBuilder AddOrchestration(this AkkaConfigurationBuilder builder, IdSource ids, TimeProvider time) =>
        builder.WithActors((system, registry) =>
        {
            var store = registry.Get<StoreActor>();
            registry.Register<OrchestrationActor>(
                system.ActorOf(Props.Create(() => new OrchestrationActor(store, time, ids)).WithDispatcher(StoreSetup.Dispatcher), "orchestration"));
        });
}
