using System.Collections.Concurrent;
using System.Threading.Channels;
using Berth.Protocol.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Cli.Commands;

/// <summary>A gRPC server on a unix socket that says what a test tells it to: the client's connection, streams and deadlines
/// are real, the cluster is not.</summary>
internal sealed class ScriptedManager : Control.ControlBase, IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cli-").FullName;
    private readonly ConcurrentDictionary<ServerCallContext, TaskCompletionSource> _following = new();
    private WebApplication? _host;

    public string Address => $"unix://{_folder}/manager.sock";

    public Channel<ServicesProgress> Progress { get; } = Channel.CreateUnbounded<ServicesProgress>();

    public List<object> Requests { get; } = [];

    public List<TaskRow> Tasks { get; } = [];

    public async Task<ScriptedManager> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket($"{_folder}/manager.sock", listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _host = builder.Build();
        _host.MapGrpcService<ScriptedManager>();
        await _host.StartAsync();
        return this;
    }

    /// <summary>As SIGKILL does: nobody listens any more, streams break.</summary>
    public async Task Stop()
    {
        if (_host is null)
            return;
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _host.StopAsync(now.Token);
        await _host.DisposeAsync();
        _host = null;
        // A call that has not noticed yet would take what a test says next, and lose it.
        await Task.WhenAll(_following.Values.Select(ended => ended.Task));
    }

    public override Task<ScaleServicesResponse> ScaleServices(ScaleServicesRequest request, ServerCallContext context)
    {
        Requests.Add(request);
        var service = new Service { Id = "web-id", Spec = new ServiceSpec { Name = "web", Replicated = new ReplicatedMode { Replicas = request.Scales[0].Replicas } } };
        return Task.FromResult(new ScaleServicesResponse { Services = { new ServiceChanged { Service = service, Changed = true } } });
    }

    public override async Task FollowServices(FollowServicesRequest request, IServerStreamWriter<ServicesProgress> responseStream, ServerCallContext context)
    {
        Requests.Add(request);
        var ended = _following[context] = new TaskCompletionSource();
        try
        {
            await foreach (var message in Progress.Reader.ReadAllAsync(context.CancellationToken))
                await responseStream.WriteAsync(message, context.CancellationToken);
        }
        finally
        {
            _following.TryRemove(context, out _);
            ended.SetResult();
        }
    }

    public override async Task ListTasks(ListTasksRequest request, IServerStreamWriter<TaskRow> responseStream, ServerCallContext context)
    {
        foreach (var row in Tasks)
            await responseStream.WriteAsync(row, context.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        Directory.Delete(_folder, recursive: true);
    }
}
