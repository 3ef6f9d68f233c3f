using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Manager.Forwarding;

/// <summary>Adds the passing on of calls to a manager.</summary>
public static class ForwardingHosting
{
    /// <summary>Registers <see cref="CallForwarding"/>. The host registers <see cref="LeaderConnections"/> and <see cref="ICallerStamp"/>.</summary>
    public static IServiceCollection AddForwarding(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton<CallForwarding>();
        return services;
    }

    /// <summary>Every call goes through it; after who calls is known, before the services.</summary>
    public static void UseForwarding(this WebApplication app) => app.Use(app.Services.GetRequiredService<CallForwarding>().HandleAsync);
}
