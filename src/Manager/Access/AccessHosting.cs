using System.Globalization;
using Berth.Manager.Keys;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Status = Grpc.Core.Status;

namespace Berth.Manager.Access;

/// <summary>Puts the gate before a manager's calls.</summary>
public static class AccessHosting
{
    /// <summary>Adds who may do what, and the audit log.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="directory">The data directory, where the audit log is.</param>
    /// <param name="hostname">This host's name.</param>
    /// <param name="trustsOpenNetwork">In a lab: a network connection without TLS counts as the local socket.</param>
    public static IServiceCollection AddAccess(this IServiceCollection services, string directory, string hostname, bool trustsOpenNetwork)
    {
        services.AddSingleton(new Callers(hostname, trustsOpenNetwork));
        services.AddSingleton(new AuditPlace(hostname));
        services.AddSingleton(provider => new AuditLog(
            new AuditFile(directory), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<AuditLog>>()));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<AuditLog>());
        services.AddSingleton<AuditReader>();
        services.AddSingleton<AuditExchangeService>();
        services.AddSingleton<Gatekeeper>();
        services.AddSingleton<AccessInterceptor>();
        services.AddGrpc(grpc => grpc.Interceptors.Add<AccessInterceptor>());
        return services;
    }

    /// <summary>Adds the data keys, and who keeps their file as the cluster wants it.</summary>
    public static IServiceCollection AddKeys(this IServiceCollection services, RowKeys keys, string directory)
    {
        services.AddSingleton(keys);
        services.AddSingleton(new KeyFile(directory));
        services.AddSingleton<KeyKeeper>();
        services.AddSingleton<KeyRotation>();
        services.AddSingleton<KeyExchangeService>();
        return services;
    }

    /// <summary>Starts <see cref="KeyKeeper"/>; after the store has been read.</summary>
    public static IServiceCollection RunKeyKeeper(this IServiceCollection services) =>
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<KeyKeeper>());

    /// <summary>Maps what managers tell one another about data keys, and of their audit logs.</summary>
    public static void MapAccess(this WebApplication app)
    {
        app.MapGrpcService<KeyExchangeService>();
        app.MapGrpcService<AuditExchangeService>();
    }

    /// <summary>Turns callers away who may not make a call whatever is in it, before anything else looks at the call.</summary>
    public static void UseAccess(this WebApplication app)
    {
        var gate = app.Services.GetRequiredService<Gatekeeper>();
        app.Use(async (call, next) =>
        {
            var (path, caller) = (call.Request.Path.Value ?? "", gate.CallerOf(call));
            if (gate.Refuse(path, caller) is { } reason && !(CallRules.Of(path) is null && caller.Kind == CallerKind.LocalRoot))
                await AnswerAsync(call, path, (await gate.RefusedAsync(path, caller, "", reason)).Status);
            else
            {
                await next(call);
                if (IsUnreadable(call))
                    GrpcAnswer.Write(call, (await gate.UnreadableAsync(path, caller)).Status);
            }
        });
    }

    // Whoever reads a page does not speak gRPC.
    private static Task AnswerAsync(HttpContext call, string path, Status status)
    {
        if (path == CallRules.Metrics)
        {
            call.Response.StatusCode = status.StatusCode == StatusCode.Unauthenticated ? StatusCodes.Status401Unauthorized : StatusCodes.Status403Forbidden;
            call.Response.ContentType = "text/plain; charset=utf-8";
            return call.Response.WriteAsync(status.Detail + "\n", call.RequestAborted);
        }
        GrpcAnswer.Write(call, status);
        return Task.CompletedTask;
    }

    // A message is read before anything of ours sees the call; who sends what is none is told so, and it is written down as a refusal.
    // Who hung up in the middle of it sent nothing wrong.
    private static bool IsUnreadable(HttpContext call) =>
        !call.RequestAborted.IsCancellationRequested && call.Response is { HasStarted: false } response && response.Headers["grpc-status"] == ((int)StatusCode.Unknown).ToString(CultureInfo.InvariantCulture)
        && response.Headers["grpc-message"].ToString().StartsWith("Exception was thrown by handler", StringComparison.Ordinal);
}
