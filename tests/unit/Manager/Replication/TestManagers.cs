using System.Collections.Concurrent;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Leadership;
using Berth.Manager.Nodes;
using Berth.Manager.Replication;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Tests.Manager.Replication;

/// <summary>Several managers of one cluster in this process, each with actors, a server and links of its own. They share one store:
/// SQLite's files, with a record of who leads that moves as a replicated store's does.</summary>
internal sealed class TestManagers : IAsyncDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-managers-").FullName;
    private readonly Renewals _renewals = new();
    private readonly List<TestManager> _all = [];

    /// <summary>Starts another manager.</summary>
    public async Task<TestManager> StartAsync()
    {
        var manager = new TestManager(_home, _all.Count + 1, _renewals);
        _all.Add(manager);
        await manager.StartAsync();
        return manager;
    }

    /// <summary>Takes the lead as another process would.</summary>
    public async Task StealAsync(TestManager by)
    {
        var record = new MovingRecord(new SqliteLeader(_home, TimeProvider.System), _renewals);
        while (await record.TryTakeAsync(await record.ReadAsync(default), by.Me, "", default) is null)
            await Task.Yield();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var manager in Enumerable.Reverse(_all))
            await manager.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }

    /// <summary>Signs of life, which SQLite's own record leaves out.</summary>
    internal sealed class Renewals
    {
        public long Count;
    }

    /// <summary>SQLite's record with signs of life.</summary>
    private sealed class MovingRecord(ILeaderRecord inner, Renewals renewals) : ILeaderRecord
    {
        private static readonly SemaphoreSlim One = new(1);

        public async Task<LeaderRecord> ReadAsync(CancellationToken cancellation) =>
            await inner.ReadAsync(cancellation) with { Renewals = Volatile.Read(ref renewals.Count) };

        public async Task<LeaderRecord?> TryTakeAsync(LeaderRecord seen, NodeId me, string url, CancellationToken cancellation)
        {
            await One.WaitAsync(cancellation);
            try
            {
                if (await ReadAsync(cancellation) != seen)
                    return null;
                return await inner.TryTakeAsync(seen with { Renewals = 0 }, me, url, cancellation) is { } taken
                    ? taken with { Renewals = seen.Renewals }
                    : null;
            }
            finally
            {
                One.Release();
            }
        }

        public async Task<bool> RenewAsync(long epoch, CancellationToken cancellation)
        {
            if (!await inner.RenewAsync(epoch, cancellation))
                return false;
            Interlocked.Increment(ref renewals.Count);
            return true;
        }

        public Task ReleaseAsync(long epoch, CancellationToken cancellation) => inner.ReleaseAsync(epoch, cancellation);

        public async Task<LeaderRecord> ChangeAsync(LeaderRecord seen, TimeSpan patience, CancellationToken cancellation)
        {
            for (var left = patience; ; left -= TimeSpan.FromMilliseconds(50))
            {
                var now = await ReadAsync(cancellation);
                if (now != seen || left <= TimeSpan.Zero)
                    return now;
                await Task.Delay(50, cancellation);
            }
        }
    }

    /// <summary>One manager.</summary>
    internal sealed class TestManager : IStoreFailure, IAsyncDisposable
    {
        private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
        private readonly WebApplication _app;
        private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _isStopped;

        public TestManager(string home, int number, Renewals renewals)
        {
            Me = new NodeId((ulong)number);
            var socket = Path.Combine(home, $"{number}.sock");
            var term = new LeaderTerm();
            var backend = new SqliteStore(home, term, TimeProvider.System);
            SqliteFiles.Prepare(home);
            var options = new LeadershipOptions
            {
                Me = Me,
                Url = $"unix://{socket}",
                Record = new SharedRecord(new MovingRecord(backend.Leader, renewals), IsShared: true),
            };
            var board = new LeadershipBoard(options.Times, TimeProvider.System);
            var store = new StoreOptions { Directory = home };
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
            builder.Services.AddSingleton(TimeProvider.System).AddSingleton<IClusterView>(View).AddSingleton<IStoreFailure>(this)
                .AddSingleton<IPeerDialer, SocketDialer>();
            builder.Services.AddNodes().AddReplication().AddLeadership(options, term, board);
            builder.Services.AddAkka("managers-test", (akka, provider) => akka
                .AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Prepend)
                .AddStoreBackend(backend, store, TimeProvider.System)
                .AddFeed(isFollowed: true)
                .AddStoreRouter(
                    registry => new StoreFactory(View, store, this, IdSource.Random, TimeProvider.System, board) { Ready = board.StoreIsReady, Feed = registry.Get<FeedActor>() },
                    _ => provider.Follower(store, "test"))
                .AddNodes());
            builder.Services.RunLeadership();
            _app = builder.Build();
            _app.MapReplication();
        }

        public NodeId Me { get; }

        public ClusterView View { get; } = new();

        public ILeadership Leadership => _app.Services.GetRequiredService<ILeadership>();

        public Heartbeats Heartbeats => _app.Services.GetRequiredService<Heartbeats>();

        public IStandbys Standbys => _app.Services.GetRequiredService<IStandbys>();

        public IActorRef Store => _app.Services.GetRequiredService<IActorRegistry>().Get<StoreActor>();

        public IActorRef Nodes => _app.Services.GetRequiredService<IActorRegistry>().Get<NodesActor>();

        public ActorSystem System => _app.Services.GetRequiredService<ActorSystem>();

        /// <summary>Ends when the process would.</summary>
        public Task<string> Lost => _lost.Task.WaitAsync(Deadline);

        public async Task StartAsync()
        {
            await _app.StartAsync();
            await UntilAsync(() => View.Recovered.IsCompleted);
        }

        public Task<object> ExecuteAsync(Command command) => Store.Ask<object>(new StoreProtocol.Execute(command), Deadline);

        public async Task<ClusterState> UntilAsync(Func<ClusterState, bool> holds)
        {
            await UntilAsync(() => holds(View.Current));
            return View.Current;
        }

        public async Task UntilAsync(Func<bool> holds)
        {
            using var deadline = new CancellationTokenSource(Deadline);
            while (!holds())
                await Task.Delay(10, deadline.Token);
        }

        /// <summary>As SIGTERM does.</summary>
        public async Task StopAsync()
        {
            _isStopped = true;
            await _app.StopAsync();
        }

        public void Stop(string message, Exception? cause) => _lost.TrySetResult($"{message} {cause}");

        public void LoseLead(string message) => _lost.TrySetResult(message);

        public async ValueTask DisposeAsync()
        {
            if (!_isStopped)
                await _app.StopAsync();
            await _app.DisposeAsync();
        }
    }

    private sealed class SocketDialer : IPeerDialer
    {
        public GrpcChannel Dial(string url) => GrpcChannel.ForAddress("http://manager", new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(url["unix://".Length..]), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            },
        });
    }
}
