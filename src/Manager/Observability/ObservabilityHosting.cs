using Berth.Identity;
using Berth.Manager.Admin;
using Berth.Manager.Dispatch;
using Berth.Manager.Leadership;
using Berth.Manager.Peers;
using Berth.Manager.Replication;
using Berth.Manager.Store;
using Berth.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Manager.Observability;

/// <summary>Adds a manager's metrics, its files for whoever looks for what is wrong, and where both are read.</summary>
public static class ObservabilityHosting
{
    /// <summary>Where the page is, on the manager's socket and on its TLS port.</summary>
    public const string Path = "/metrics";

    /// <summary>Adds the page.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="version">Of this program.</param>
    /// <param name="isAlone">Whether there can be other managers.</param>
    public static IServiceCollection AddMetricsPage(this IServiceCollection services, string version, bool isAlone) => services.AddSingleton(provider =>
    {
        var page = new MetricsPage();
        var view = provider.GetRequiredService<IClusterView>();
        ProcessMetrics.Show(page, "berth-manager", version);
        StateMetrics.Show(page, view);
        ManagerMetrics.Show(page, provider.GetRequiredService<ILeadership>(), provider.GetRequiredService<AgentSessions>());
        if (!isAlone)
        {
            ManagerMetrics.Show(
                page, provider.GetRequiredService<IStandbys>(), provider.GetRequiredService<PeerDirectory>(),
                provider.GetRequiredService<PeerSightings>(), view, provider.GetRequiredService<TlsIdentity>());
        }
        return page;
    });

    /// <summary>Adds what gathers files for whoever looks for what is wrong.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="recent">Its log's newest lines.</param>
    public static IServiceCollection AddDebug(this IServiceCollection services, RecentLogs recent)
    {
        services.AddSingleton(recent);
        services.AddSingleton<DebugFiles>();
        services.AddSingleton<DebugCollector>();
        services.AddSingleton<DebugExchangeService>();
        services.AddAdminPart<DebugCalls>();
        return services;
    }

    /// <summary>Maps what other managers ask for.</summary>
    public static void MapDebug(this WebApplication app) => app.MapGrpcService<DebugExchangeService>();

    /// <summary>Maps the page; who may read it has been decided before.</summary>
    public static void MapMetrics(this WebApplication app)
    {
        // From now on, and not from the first reader on, everything is counted.
        var page = app.Services.GetRequiredService<MetricsPage>();
        app.MapGet(Path, async call =>
        {
            call.Response.ContentType = PrometheusText.ContentType;
            await call.Response.WriteAsync(page.Text(), call.RequestAborted);
        });
    }
}
