using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Manager.Forwarding;

/// <summary>Adds the passing on of calls to a manager.</summary>
public static class ForwardingHosting
{
    /// <summary>Registers <see cref="CallForwarding"/>.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="tls">How to dial another manager; null for one that is alone, and where nothing is encrypted.</param>
    public static IServiceCollection AddForwarding(this IServiceCollection services, SslClientAuthenticationOptions? tls)
    {
        services.AddSingleton(_ => new LeaderConnections(tls));
        services.AddHttpForwarder();
        services.AddSingleton<CallForwarding>();
        return services;
    }

    /// <summary>Every call goes through it; after who calls is known, before the services.</summary>
    public static void UseForwarding(this WebApplication app) => app.Use(app.Services.GetRequiredService<CallForwarding>().HandleAsync);
}
