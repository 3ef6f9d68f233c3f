using System.Net.Sockets;
using Akka.Hosting;
using Berth.Manager.Dispatch;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Dispatch;

/// <summary>A real server for agents on a unix socket of its own.</summary>
internal sealed class AgentServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;
    private readonly string _folder;

    private AgentServer(WebApplication app, GrpcChannel channel, string folder) => (_app, _channel, _folder) = (app, channel, folder);

    public static async Task<AgentServer> StartAsync(
        IRequiredActor<StoreActor> store, IRequiredActor<DispatchActor> dispatch, IRequiredActor<NodesActor> nodes, RelayHub hub)
    {
        var folder = Directory.CreateTempSubdirectory("berth-dispatch-").FullName;
        var socket = Path.Combine(folder, "manager.sock");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(store).AddSingleton(dispatch).AddSingleton(nodes).AddSingleton(hub)
            .AddSingleton(TimeProvider.System).AddSingleton<DispatcherService>();
        var app = builder.Build();
        app.MapGrpcService<DispatcherService>();
        await app.StartAsync();
        return new AgentServer(app, ChannelTo(socket), folder);
    }

    public Agent Dial() => new(new V1.Dispatcher.DispatcherClient(_channel).Session());

    public AsyncDuplexStreamingCall<V1.RelayFromAgent, V1.RelayToAgent> DialRelay() => new V1.Dispatcher.DispatcherClient(_channel).Relay();

    /// <summary>Tells calls that the manager is stopping, as the host does first. The connections stay.</summary>
    public void BeginStop() => _app.Lifetime.StopApplication();

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static GrpcChannel ChannelTo(string path) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });

    /// <summary>The agent's end of a session.</summary>
    internal sealed class Agent(AsyncDuplexStreamingCall<V1.AgentMessage, V1.ManagerMessage> call) : IDisposable
    {
        public Task SendAsync(V1.AgentMessage message) => call.RequestStream.WriteAsync(message);

        public Task CompleteAsync() => call.RequestStream.CompleteAsync();

        public async Task<bool> MoveNextAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            return await call.ResponseStream.MoveNext(patience.Token);
        }

        public async Task<V1.ManagerMessage> ReadAsync() =>
            await MoveNextAsync() ? call.ResponseStream.Current : throw new InvalidOperationException("the manager ended the session");

        public void Dispose() => call.Dispose();
    }
}
