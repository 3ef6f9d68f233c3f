using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Journals.Sqlite;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Berth.Tests.Manager.Store;

/// <summary>A store actor on real files, in an actor system of its own.</summary>
internal sealed class StoreHost : IAsyncDisposable, IStoreFailure
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly TaskCompletionSource<string> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IHost _host;

    private StoreHost(StoreOptions options)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("store-test", akka => akka.AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Prepend).AddStore(options, View, this, IdSource.Random, TimeProvider.System));
        _host = builder.Build();
    }

    public ClusterView View { get; } = new();

    /// <summary>Ends with the message with which the store would have ended the process.</summary>
    public Task<string> Failed => _failed.Task.WaitAsync(Deadline);

    public IActorRef Store => _host.Services.GetRequiredService<IActorRegistry>().Get<StoreActor>();

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    public static Task<StoreHost> StartAsync(string directory) => StartAsync(new StoreOptions { Directory = directory });

    public static async Task<StoreHost> StartAsync(StoreOptions options)
    {
        var host = new StoreHost(options);
        await host._host.StartAsync();
        await Task.WhenAny(host.View.Recovered, host._failed.Task).WaitAsync(Deadline);
        return host;
    }

    public Task<object> ExecuteAsync(Command command) => Store.Ask<object>(new StoreProtocol.Execute(command), Deadline);

    public Task<object> ProposeAsync(StoreProtocol.Propose proposal) => Store.Ask<object>(proposal, Deadline);

    /// <summary>Waits for a published state.</summary>
    public async Task<ClusterState> UntilAsync(Func<ClusterState, bool> holds)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!holds(View.Current))
            await Task.Delay(5, deadline.Token);
        return View.Current;
    }

    public void Stop(string message, Exception? cause) => _failed.TrySetResult(message);

    public void LoseLead(string message) => _failed.TrySetResult(message);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
