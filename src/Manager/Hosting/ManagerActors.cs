using Akka.Hosting;
using Berth.Manager.Access;
using Berth.Manager.Admin;
using Berth.Manager.Api;
using Berth.Manager.Backups;
using Berth.Manager.Dispatch;
using Berth.Manager.Gossip;
using Berth.Manager.Identity;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Leadership;
using Berth.Manager.Members;
using Berth.Manager.Networks;
using Berth.Manager.Nodes;
using Berth.Manager.Orchestration;
using Berth.Manager.Peers;
using Berth.Manager.Replication;
using Berth.Manager.Scheduling;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Berth.Manager.Hosting;

/// <summary>The actors of a manager, and the calls it answers.</summary>
internal static class ManagerActors
{
    // Leaving is the host's decision: no hook of Akka's own ends the process, or holds up its end.
    private static readonly string Hocon = $$"""
        akka {
          scheduler.implementation = "{{typeof(TimerScheduler).AssemblyQualifiedName}}"
          coordinated-shutdown { exit-clr = off, run-by-clr-shutdown-hook = off }
          log-dead-letters = off
        }
        """;

    /// <summary>Adds every folder's actors. The order is that of their dependence: the store first.</summary>
    public static void AddManagerActors(
        this IServiceCollection services, ManagerOptions options, ManagerPlace? place, ClusterView view, IStoreBackend backend, LeaderTerm term, EarlyLog early)
    {
        services.AddDispatch();
        services.AddApi();
        services.AddAdmin();
        services.AddAdminPart<AuditCalls>();
        services.AddClusterCalls(place?.File);
        if (place is not null)
            services.AddIdentity(place.File, place.Files, place.Tls);
        services.AddAdminPart<AutolockCalls>();
        services.AddAdminPart<ClientCalls>();
        services.AddAdminPart<BackupCalls>();
        services.Configure<NodesOptions>(nodes =>
        {
            nodes.Period = options.Heartbeat;
            nodes.DownAfter = options.DownAfter;
            nodes.StartGrace = options.StartGrace;
        });
        // SQLite's files belong to one process.
        var isShared = backend is not SqliteStore;
        var times = new LeadershipTimes();
        var board = new LeadershipBoard(times, TimeProvider.System);
        var failure = new ProcessFailure(() => KeyHandover.Leave(options.Directory, KeyHandover.Places(options), options.Keys!.Ring), early);
        var store = new StoreOptions { Directory = options.Directory, Keys = options.Keys };
        if (place is not null)
            services.AddMembers(options.Directory, place.File, backend, store, new MemberDialer(new PeerChannels(place.Tls).Dial));
        services.AddSingleton<IStoreFailure>(failure);
        services.AddLeadership(
            new LeadershipOptions
            {
                Me = place?.File.NodeId ?? default,
                Url = place?.File.Url ?? "",
                Times = times,
                Record = new SharedRecord(backend.Leader, isShared),
            },
            term, board);
        if (place is not null)
            services.AddReplication().AddSingleton<IPeerDialer, PeerDialer>();
        services.AddLevels();
        services.AddAkka("berth", (akka, provider) => akka
            .ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory();
            })
            .AddHocon(Hocon, HoconAddMode.Prepend)
            .AddStoreBackend(backend, store, TimeProvider.System)
            .AddFeed(isFollowed: place is not null)
            .AddStoreRouter(
                registry => new StoreFactory(view, store, failure, IdSource.Random, TimeProvider.System, board) { Ready = board.StoreIsReady, Feed = registry.TryGet<FeedActor>(out var feed) ? feed : null },
                isShared ? _ => provider.Follower(store, ManagerHost.Version) : null)
            .AddOrchestration(IdSource.Random, TimeProvider.System)
            .AddScheduling()
            .AddNetworks()
            .AddNodes()
            .AddDispatch()
            .AddApi());
        services.RunLeadership();
        services.AddHostedService<RecoveredStore>();
        if (place is not null)
            services.RunIdentity().RunMembers().AddPeers(place);
        services.RunKeyKeeper();
        services.AddHostedService<HeapTrimmer>();
    }

    private static void AddPeers(this IServiceCollection services, ManagerPlace place)
    {
        services.AddPeers(provider => new PeerOptions
        {
            Me = place.File.NodeId,
            Version = ManagerHost.Version,
            Managers = state => [.. ManagerEndpoints.Of(state).Select(manager => new PeerPlace(manager.Node, manager.Url))],
            Dial = provider.GetRequiredService<PeerChannels>().Dial,
        });
        services.AddSingleton(new AkkaParts(typeof(TimerScheduler), typeof(RefusingSerializer)));
        services.AddHostedService<MembershipService>();
    }

    /// <summary>Maps the calls.</summary>
    public static void MapManager(this WebApplication app, ManagerPlace? place)
    {
        if (place is not null)
        {
            app.MapEnrollment();
            app.MapReplication();
            app.MapMembers();
            app.MapPeers();
        }
        app.MapAccess();
        app.MapGrpcService<ControlService>();
        app.MapGrpcService<ClusterAdminService>();
        app.MapGrpcService<DispatcherService>();
        app.MapGrpcHealthChecksService();
        app.MapGrpcReflectionService();
    }

    private sealed class PeerDialer(PeerChannels channels) : IPeerDialer
    {
        public GrpcChannel Dial(string url) => channels.Dial(url);
    }

    /// <summary>Holds up the start until the store has read its journal: who can connect is answered from the whole state.</summary>
    private sealed class RecoveredStore(ClusterView view) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => view.Recovered.WaitAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
