using Microsoft.Extensions.DependencyInjection;

namespace Berth.Manager.Discovery;

/// <summary>Adds how this manager can be found.</summary>
public static class DiscoveryHosting
{
    /// <summary>Keeps the manager registered in Consul.</summary>
    public static IServiceCollection AddConsul(this IServiceCollection services, ConsulPlace place) =>
        services.AddSingleton(place).AddHostedService<ConsulRegistration>();
}
