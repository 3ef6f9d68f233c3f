using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Berth.Manager.Nodes;

/// <summary>Adds the watch over nodes to a manager.</summary>
public static class NodesHosting
{
    /// <summary>Registers what <see cref="NodesActor"/> and sessions share. <see cref="NodesOptions"/> are checked at start.</summary>
    public static IServiceCollection AddNodes(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Heartbeats>();
        services.TryAddSingleton<IValidateOptions<NodesOptions>, NodesOptionsCheck>();
        services.AddOptions<NodesOptions>().ValidateOnStart();
        return services;
    }

    /// <summary>Starts <see cref="NodesActor"/>; after the store.</summary>
    public static AkkaConfigurationBuilder AddNodes(this AkkaConfigurationBuilder akka) =>
        akka.WithActors((system, registry, resolver) =>
            registry.Register<NodesActor>(system.ActorOf(resolver.Props<NodesActor>(), "nodes")));

    private sealed class NodesOptionsCheck : IValidateOptions<NodesOptions>
    {
        public ValidateOptionsResult Validate(string? name, NodesOptions options) =>
            options.Problem() is { } problem ? ValidateOptionsResult.Fail(problem) : ValidateOptionsResult.Success;
    }
}
