using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Berth.Tests.Integration.Stores;

/// <summary>The cluster's own store actor on a store, leading from its start.</summary>
internal sealed class StoreNode : IAsyncDisposable, IStoreFailure
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly TaskCompletionSource<string> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ClusterView _view = new();
    private readonly IHost _host;

    private StoreNode(IMovableStore backend, LeaderRecord taken, StoreOptions options)
    {
        (Backend, Epoch) = (backend, taken.Epoch);
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("store-node", akka => akka
            .AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Prepend)
            .AddStore(backend, new StoreStart { Epoch = taken.Epoch }, options, _view, this, IdSource.Random, TimeProvider.System));
        _host = builder.Build();
    }

    public IMovableStore Backend { get; }

    public long Epoch { get; }

    public ClusterState State => _view.Current;

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    /// <summary>Takes the lead and starts the store actor; throws what it would have ended the process with.</summary>
    public static async Task<StoreNode> StartAsync(IStorePlace place, RowKeys keys)
    {
        var term = new LeaderTerm();
        var backend = (IMovableStore)place.Open(term);
        await backend.PrepareAsync(default);
        var taken = await backend.Leader.TryTakeAsync(await backend.Leader.ReadAsync(default), new NodeId(5), "https://127.0.0.1:1", default)
            ?? throw new InvalidOperationException("another took the lead");
        term.Begin(taken.Epoch);
        var node = new StoreNode(backend, taken, new StoreOptions { Directory = "unused", Keys = keys, SnapshotCommits = 20, ChunkBytes = 300 });
        await node._host.StartAsync();
        await Task.WhenAny(node._view.Recovered, node._failed.Task).WaitAsync(Deadline);
        return node._failed.Task.IsCompleted ? throw new InvalidOperationException(await node._failed.Task) : node;
    }

    /// <summary>Writes snapshots into a store in which the lead was taken.</summary>
    public static async Task<Writer> WriterAsync(IStoreBackend backend, RowKeys keys)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("store-writer", akka => akka
            .AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Prepend)
            .AddStoreBackend(backend, new StoreOptions { Directory = "unused", Keys = keys }, TimeProvider.System));
        var host = builder.Build();
        await host.StartAsync();
        return new Writer(host, backend);
    }

    /// <summary>Creates services, one a command.</summary>
    public async Task CreateAsync(string prefix, int count)
    {
        var store = _host.Services.GetRequiredService<IActorRegistry>().Get<StoreActor>();
        for (var number = 1; number <= count; number++)
        {
            var spec = new ServiceSpec
            {
                Name = $"{prefix}{number}",
                Task = new TaskSpec { Container = new ContainerSpec { Image = $"web:{number}" } },
                Mode = new ServiceMode.Replicated(number),
            };
            Assert.IsType<StoreProtocol.Executed>(await store.Ask<object>(new StoreProtocol.Execute(new Command.CreateService(spec)), Deadline));
        }
    }

    /// <summary>Gives a command that cannot be written.</summary>
    /// <returns>What the process would have ended with.</returns>
    public Task<string> FailAsync()
    {
        var spec = new ServiceSpec { Name = "late", Task = new TaskSpec { Container = new ContainerSpec { Image = "late" } }, Mode = new ServiceMode.Replicated(1) };
        _host.Services.GetRequiredService<IActorRegistry>().Get<StoreActor>().Tell(new StoreProtocol.Execute(new Command.CreateService(spec)));
        return _failed.Task.WaitAsync(Deadline);
    }

    public void Stop(string message, Exception? cause) => _failed.TrySetResult(message);

    public void LoseLead(string message) => _failed.TrySetResult(message);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await Backend.DisposeAsync();
    }

    internal sealed class Writer(IHost host, IStoreBackend backend) : IAsyncDisposable
    {
        public Task SaveAsync(ClusterState state) => new SnapshotFiles(
            host.Services.GetRequiredService<ActorSystem>(), backend.SnapshotPluginId, 300, TimeProvider.System).SaveAsync(state, state.Index, 1, default);

        public async ValueTask DisposeAsync()
        {
            await host.StopAsync();
            host.Dispose();
        }
    }
}
