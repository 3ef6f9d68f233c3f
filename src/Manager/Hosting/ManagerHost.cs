using System.Net;
using System.Reflection;
using Akka.Hosting;
using Berth.Identity;
using Berth.Manager.Access;
using Berth.Manager.Api;
using Berth.Manager.Discovery;
using Berth.Manager.Forwarding;
using Berth.Manager.Identity;
using Berth.Manager.Observability;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>Puts a manager together and runs it: the one place that knows everyone.</summary>
public static class ManagerHost
{
    private const int Failed = 1;
    private const int WrongUsage = 2;

    // A Register of 10,000 tasks with their reasons is a few MB.
    private const int LargestMessageBytes = 32 << 20;

    // A peer that lost power says nothing: without pings, streams from it (logs that are followed, exec) would stay open for
    // ever. Longer than a heartbeat, so that agents that are well are never asked.
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    // Every agent of the largest cluster, twice, while one manager stands for all; what is more is not taken.
    private const long MostConnections = 20_000;

    // A renewal that is passed on carries a certificate.
    private const int LargestHeadersBytes = 32 << 10;
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(10);

    // Streams of agents end at once when the manager stops; this only bounds a reader that does not.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    // Enough for a reader of the log that reads at all.
    private static readonly TimeSpan LastLinesTime = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs a manager until it is told to stop.</summary>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (RecoverCommand.Is(arguments))
            return await RecoverCommand.RunAsync(arguments, Console.Out, Console.Error, TimeProvider.System);
        if (BackupCommands.Are(arguments))
            return BackupCommands.Run(arguments, Console.In, Console.Out, Console.Error, TimeProvider.System);
        var line = ManagerOptionsParser.Parse(arguments, Environment.GetEnvironmentVariable, Version);
        if (line.Text is not null)
        {
            Console.Out.WriteLine(line.Text);
            return 0;
        }
        var early = new EarlyLog(line.LogFormat, TimeProvider.System);
        foreach (var problem in line.Problems)
            early.Error(problem);
        return line.Options is { } options ? await RunAsync(options, early) : WrongUsage;
    }

    internal static string Version { get; } =
        typeof(ManagerHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private static async Task<int> RunAsync(ManagerOptions options, EarlyLog early)
    {
        SocketFile.CloseToOthers();
        using var traces = TraceExport.Start("berth-manager", Version, Environment.GetEnvironmentVariable);
        try
        {
            using var taken = DirectoryLock.Take(options.Directory);
            var joined = await ManagerStore.KnowAsync(options.Directory, await ManagerPlace.OpenAsync(options.Directory, early), early, TimeProvider.System);
            if (await LockedManager.OpenKeysAsync(options, logging => ManagerLog.Write(logging, options)) is not { } keys)
                return 0;
            options = options with { Keys = keys };
            var term = new LeaderTerm();
            using var logs = LoggerFactory.Create(logging => ManagerLog.Write(logging, options));
            var (store, place) = await ManagerStore.OpenAsync(options.Directory, joined, term, logs, early, TimeProvider.System);
            await using var opened = store;
            var app = Build(options, place, store, term, early);
            try
            {
                foreach (var socket in options.Listen.OfType<ListenAddress.Socket>())
                    SocketFile.Prepare(socket.Path);
                await app.StartAsync();
                await using var metrics = options.Metrics is { } address ? Serve(app, address) : null;
                foreach (var socket in options.Listen.OfType<ListenAddress.Socket>())
                    SocketFile.Restrict(socket.Path);
                Announce(app, Addresses(options, place));
                await app.WaitForShutdownAsync();
            }
            catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // Told to stop while it was starting.
            }
            finally
            {
                await DisposeAsync(app);
            }
            return 0;
        }
        catch (OperationCanceledException)
        {
            // Told to stop while it was joining.
            return 0;
        }
        catch (Exception error) when (error is StartRefusedException or InvalidDataException or IOException or UnauthorizedAccessException or NewerReleaseException)
        {
            early.Error(error.Message);
            return Failed;
        }
    }

    // The console's logger waits 1.5 s for a reader that does not read. By now everything has stopped and the state is on
    // disk: only lines are left that nobody wants.
    private static async Task DisposeAsync(WebApplication app)
    {
        var disposing = Task.Run(async () => await app.DisposeAsync());
        if (await Task.WhenAny(disposing, Task.Delay(LastLinesTime)) == disposing)
            await disposing;
    }

    private static ValueList<string> Addresses(ManagerOptions options, ManagerPlace? place) =>
        options.Listen.Select(address => address.ToString()).Concat(place is null ? [] : [place.File.Url]).ToValueList();

    private static PageServer Serve(WebApplication app, IPEndPoint address) => PageServer.Listen(
        address, new Dictionary<string, Func<string>> { [ObservabilityHosting.Path] = app.Services.GetRequiredService<MetricsPage>().Text },
        app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Berth.Manager.Metrics"));

    private static void Announce(WebApplication app, ValueList<string> addresses)
    {
        var state = app.Services.GetRequiredService<IClusterView>().Current;
        app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Berth.Manager").LogInformation(
            "berth-manager ready: cluster {Cluster}, epoch {Epoch}, index {Index}, listening on {Addresses}",
            state.ClusterId, state.Epoch, state.Index, string.Join(", ", addresses));
    }

    private static WebApplication Build(ManagerOptions options, ManagerPlace? place, IStoreBackend store, LeaderTerm term, EarlyLog early)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "berth-manager" });
        ManagerLog.Write(builder.Logging, options);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Listen(kestrel, options, place));
        builder.Services.AddRouting();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        AddManager(builder.Services, options, place, store, term, early);

        var app = builder.Build();
        app.UseOpenCalls();
        app.UseCallMetrics(TimeProvider.System);
        app.UsePresentedCertificates();
        app.UseAccess();
        app.UseForwarding();
        app.MapManager(place);
        app.MapMetrics();
        app.MapDebug();
        return app;
    }

    private static void AddManager(IServiceCollection services, ManagerOptions options, ManagerPlace? place, IStoreBackend store, LeaderTerm term, EarlyLog early)
    {
        var view = new ClusterView();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(IdSource.Random);
        services.AddSingleton(view);
        services.AddSingleton<IClusterView>(view);
        services.AddSingleton(new ManagerFacts(
            Version, TimeProvider.System.GetUtcNow(), options.Directory, Addresses(options, place), Environment.MachineName));
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = LargestMessageBytes;
            grpc.MaxSendMessageSize = null;
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck("store", () => view.Recovered.IsCompletedSuccessfully
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("the store has not read its journal yet"));
        services.AddAccess(options.Directory, place?.File.Hostname ?? Environment.MachineName, options.IsLab);
        services.AddKeys(options.Keys!, options.Directory);
        services.AddManagerActors(options, place, view, store, term, early);
        services.AddForwarding(place?.Tls.ForClient(CertificateRole.Manager));
        services.AddOpenCalls();
        services.AddMetricsPage(Version, isAlone: place is null);
        services.AddDebug(options.RecentLogs);
        // A manager that is alone has no address that others could find.
        if (options.Consul is { } consul && place is not null)
            services.AddConsul(new ConsulPlace(consul, place.File.NodeId, place.File.Hostname, Version, place.File.Advertise));
    }

    private static void Listen(KestrelServerOptions kestrel, ManagerOptions options, ManagerPlace? place)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.Http2.KeepAlivePingDelay = PingAfter;
        kestrel.Limits.Http2.KeepAlivePingTimeout = PingTimeout;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        kestrel.Limits.RequestHeadersTimeout = HeadersTime;
        kestrel.Limits.MaxRequestHeadersTotalSize = LargestHeadersBytes;
        kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2);
        foreach (var address in options.Listen)
        {
            if (address is ListenAddress.Socket socket)
                kestrel.ListenUnixSocket(socket.Path);
            else if (address is ListenAddress.Network network)
                kestrel.Listen(network.EndPoint);
        }
        if (place is not null)
        {
            kestrel.Listen(place.File.Advertise, endpoint =>
            {
                HandshakeQueue.OfThisMachine(TimeProvider.System).Before(endpoint);
                endpoint.NoteFailedHandshakes();
                endpoint.UseHttps(place.Handshakes);
                endpoint.NoteHandshakes();
                HandshakeQueue.After(endpoint);
            });
        }
    }
}
