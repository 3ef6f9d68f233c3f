using Akka.Actor;
using Akka.Hosting;

namespace Berth.Tests.Manager;

/// <summary>Hands a probe to code that asks for an actor by its type.</summary>
internal sealed class KnownActor<TActor>(IActorRef actor) : IRequiredActor<TActor>
{
    public IActorRef ActorRef => actor;

    public Task<IActorRef> GetAsync(CancellationToken cancellationToken = default) => Task.FromResult(actor);
}
