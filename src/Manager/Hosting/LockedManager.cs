using Berth.Manager.Access;
using Berth.Manager.Keys;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Hosting;

/// <summary>What a manager is while its data keys are locked: it answers on its socket that it waits, and nothing else anywhere.</summary>
internal static class LockedManager
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The data keys of a manager; when they are locked, waits until somebody unlocks them.</summary>
    /// <param name="options">How the manager runs.</param>
    /// <param name="log">Sets up logging as the manager has it.</param>
    /// <returns>Null when it was told to stop while it waited.</returns>
    /// <exception cref="InvalidDataException">The file of keys is damaged.</exception>
    public static async Task<RowKeys?> OpenKeysAsync(ManagerOptions options, Action<ILoggingBuilder> log)
    {
        var file = new KeyFile(options.Directory);
        // Taken in any case: what is not needed must not stay.
        var handed = KeyHandover.Take(options.Directory, KeyHandover.Places(options), TimeProvider.System.GetUtcNow());
        var ring = file.Exists && file.LockedUnder() is { } lockedUnder
            ? handed ?? await WaitAsync(options, file, lockedUnder, log)
            : file.OpenOrCreate(TimeProvider.System);
        return ring is null ? null : new RowKeys(ring, file.Path);
    }

    private static async Task<KeyRing?> WaitAsync(ManagerOptions options, KeyFile file, string lockedUnder, Action<ILoggingBuilder> log)
    {
        var sockets = options.Listen.OfType<ListenAddress.Socket>().ToList();
        await using var app = Build(options, sockets, file, log);
        foreach (var socket in sockets)
            SocketFile.Prepare(socket.Path);
        await app.StartAsync();
        foreach (var socket in sockets)
            SocketFile.Restrict(socket.Path);
        app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Berth.Manager").LogWarning(
            "berth-manager is locked under unlock key {Key}: it waits for berth cluster unlock on this host", lockedUnder);

        var unlocked = app.Services.GetRequiredService<LockedCalls>().Unlocked;
        await Task.WhenAny(unlocked, app.WaitForShutdownAsync());
        await app.StopAsync();
        return unlocked.IsCompletedSuccessfully ? await unlocked : null;
    }

    private static WebApplication Build(ManagerOptions options, List<ListenAddress.Socket> sockets, KeyFile file, Action<ILoggingBuilder> log)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "berth-manager" });
        log(builder.Logging);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2);
            foreach (var socket in sockets)
                kestrel.ListenUnixSocket(socket.Path);
        });
        builder.Services.AddRouting();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new Callers(Environment.MachineName, trustsOpenNetwork: false));
        builder.Services.AddSingleton(provider => new AuditLog(
            new AuditFile(options.Directory), TimeProvider.System, provider.GetRequiredService<ILogger<AuditLog>>()));
        builder.Services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<AuditLog>());
        builder.Services.AddSingleton(file);
        builder.Services.AddSingleton<LockedCalls>();
        builder.Services.AddGrpc();

        var app = builder.Build();
        app.Use(async (call, next) =>
        {
            if (LockedCalls.Answers(call.Request.Path))
                await next(call);
            else
                GrpcAnswer.Write(call, StatusCode.Unavailable, LockedCalls.Locked);
        });
        app.MapGrpcService<LockedCalls>();
        return app;
    }
}

/// <summary>The two calls of a locked manager.</summary>
internal sealed class LockedCalls(KeyFile file, AuditLog audit, Callers callers, TimeProvider time) : V1.ClusterAdmin.ClusterAdminBase
{
    /// <summary>What every other call is told.</summary>
    public const string Locked = "this manager is locked: unlock it with berth cluster unlock on its host";

    // A wrong key: nobody guesses 256 bits, and nobody keeps the manager busy trying.
    private static readonly TimeSpan WrongKeyDelay = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<KeyRing> _unlocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>The keys, once they are unlocked.</summary>
    public Task<KeyRing> Unlocked => _unlocked.Task;

    /// <summary>Whether a locked manager answers the call.</summary>
    public static bool Answers(string? path) => path is "/berth.v1.ClusterAdmin/GetCluster" or "/berth.v1.ClusterAdmin/Unlock";

    public override Task<V1.ClusterStatus> GetCluster(V1.GetClusterRequest request, ServerCallContext context) =>
        Task.FromResult(new V1.ClusterStatus { Locked = true, Advice = { Locked } });

    public override async Task<V1.UnlockResponse> Unlock(V1.UnlockRequest request, ServerCallContext context)
    {
        if (!await _one.WaitAsync(WrongKeyDelay * 2, context.CancellationToken))
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "too many attempts to unlock this manager at once; try again in a few seconds"));
        try
        {
            await TryAsync(request.Key, context);
            return new V1.UnlockResponse();
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task TryAsync(string text, ServerCallContext context)
    {
        if (_unlocked.Task.IsCompleted)
            return;
        try
        {
            if (!UnlockKey.TryParse(text, out var key))
                throw new KeysLockedException("this is no unlock key; it begins with BERTHKEY-1- and has 52 letters and digits after that");
            var ring = file.Read(key);
            await WriteAsync(context, AuditRecord.Done);
            _unlocked.TrySetResult(ring);
        }
        catch (KeysLockedException wrong)
        {
            await WriteAsync(context, $"refused: {wrong.Message}");
            await Task.Delay(WrongKeyDelay, time, context.CancellationToken);
            throw new RpcException(new Status(StatusCode.PermissionDenied, wrong.Message));
        }
    }

    private async Task WriteAsync(ServerCallContext context, string outcome)
    {
        var caller = callers.Of(context.GetHttpContext());
        try
        {
            await audit.WriteAsync(new AuditRecord(
                time.GetUtcNow(), caller.Name, "ClusterAdmin/Unlock", "this manager", outcome, caller.From, Environment.MachineName));
        }
        catch (IOException error)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, $"the manager stays locked: {error.Message}"));
        }
    }
}
