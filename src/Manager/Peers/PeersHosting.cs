using Berth.Manager.Dispatch;
using Berth.Manager.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Berth.Manager.Peers;

/// <summary>Adds what a manager has to do with the others.</summary>
public static class PeersHosting
{
    /// <summary>Registers the watch over other managers, and streams to agents through them.</summary>
    public static IServiceCollection AddPeers(this IServiceCollection services, Func<IServiceProvider, PeerOptions> options)
    {
        services.AddSingleton(options);
        services.AddSingleton<PeerDirectory>();
        services.AddSingleton<PeerSightings>();
        services.AddSingleton<PeerWatch>();
        services.AddSingleton<IManagerSightings, ReportedSightings>();
        services.AddHostedService(provider => provider.GetRequiredService<PeerWatch>());
        services.AddSingleton<IRelayHub, PeerRelayHub>();
        services.AddSingleton(provider => new PeerTalkService(
            provider.GetRequiredService<PeerWatch>().Greeting, provider.GetRequiredService<RelayHub>(),
            provider.GetRequiredService<AgentSessions>(), provider.GetRequiredService<IHostApplicationLifetime>()));
        return services;
    }

    /// <summary>Maps what other managers ask.</summary>
    public static void MapPeers(this WebApplication app) => app.MapGrpcService<PeerTalkService>();
}
