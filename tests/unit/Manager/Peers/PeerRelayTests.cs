using System.Net;
using System.Threading.Channels;
using Berth.Manager.Dispatch;
using Berth.Manager.Peers;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Peers;

/// <summary>Logs and exec asked of one manager for an agent that is connected to another, over real connections.</summary>
public sealed class PeerRelayTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly NodeId Agent = new(5);
    private readonly CancellationTokenSource _deadline = new(Patience);
    private Peer _asked = null!;
    private Peer _there = null!;

    public async Task InitializeAsync()
    {
        (_asked, _there) = (await Peer.StartAsync(new NodeId(1)), await Peer.StartAsync(new NodeId(2)));
        _asked.Knows(_asked, _there);
        _there.Knows(_asked, _there);
    }

    public async Task DisposeAsync()
    {
        await _asked.DisposeAsync();
        await _there.DisposeAsync();
        _deadline.Dispose();
    }

    [Fact]
    public async Task What_the_agent_says_at_another_manager_arrives_here_and_the_other_way_round()
    {
        var agent = _there.Connect(Agent);
        var opening = _asked.Relays.OpenAsync(Agent, new V1.OpenRelay { Logs = new V1.RelayLogs { TaskId = "t" } }, _deadline.Token);
        var asked = await agent.DialAsync(_deadline.Token);
        await using var relay = await opening;

        await relay.WriteAsync(new V1.RelayToAgent { Input = new V1.ExecInput { StdinClosed = true } }, _deadline.Token);
        var heard = await agent.Hears.Reader.ReadAsync(_deadline.Token);
        await agent.Says.Writer.WriteAsync(new V1.RelayFromAgent { Error = "one" });
        await agent.Says.Writer.WriteAsync(new V1.RelayFromAgent { Error = "two" });
        agent.Says.Writer.Complete();
        var said = new List<string>();
        await foreach (var message in relay.ReadAsync(_deadline.Token))
            said.Add(message.Error);

        Assert.Equal("t", asked.Logs.TaskId);
        Assert.True(heard.Input.StdinClosed);
        Assert.Equal(["one", "two"], said);
    }

    [Fact]
    public async Task A_reader_who_goes_away_is_gone_for_the_agent()
    {
        var agent = _there.Connect(Agent);
        var opening = _asked.Relays.OpenAsync(Agent, new V1.OpenRelay(), _deadline.Token);
        await agent.DialAsync(_deadline.Token);

        await (await opening).DisposeAsync();

        Assert.True((await agent.Hears.Reader.ReadAsync(_deadline.Token)).Cancel);
    }

    [Fact]
    public async Task An_agent_that_is_nowhere_is_named()
    {
        var error = await Assert.ThrowsAsync<RelayUnavailableException>(() => _asked.Relays.OpenAsync(Agent, new V1.OpenRelay(), _deadline.Token));

        Assert.Contains($"{Agent} is connected to none of the 2 managers", error.Message);
    }

    [Fact]
    public async Task A_manager_that_cannot_be_asked_is_named()
    {
        await _there.StopAsync();

        var error = await Assert.ThrowsAsync<RelayUnavailableException>(() => _asked.Relays.OpenAsync(Agent, new V1.OpenRelay(), _deadline.Token));

        Assert.Contains($"manager {new NodeId(2)}", error.Message);
        Assert.Contains("berth cluster status", error.Message);
    }

    [Fact]
    public async Task A_manager_that_breaks_off_ends_the_stream_with_its_name()
    {
        var agent = _there.Connect(Agent);
        var opening = _asked.Relays.OpenAsync(Agent, new V1.OpenRelay(), _deadline.Token);
        await agent.DialAsync(_deadline.Token);
        await using var relay = await opening;
        await _there.StopAsync();

        var error = await Assert.ThrowsAsync<RelayUnavailableException>(async () =>
        {
            await foreach (var message in relay.ReadAsync(_deadline.Token))
                Assert.Fail($"nobody said {message}");
        });

        Assert.Contains($"through manager {new NodeId(2)} broke off", error.Message);
    }

    private sealed class Peer : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly NodeId _me;
        private readonly AgentSessions _sessions = new();
        private readonly ClusterView _view = new();
        private readonly RelayHub _hub;
        private readonly PeerDirectory _directory;
        private IReadOnlyList<PeerPlace> _known = [];

        private Peer(NodeId me)
        {
            _me = me;
            _hub = new RelayHub(_sessions, _view, IdSource.Seeded(3), TimeProvider.System);
            _directory = new PeerDirectory(new PeerOptions { Me = me, Managers = _ => [.. _known] }, _view);
            Relays = new PeerRelayHub(_hub, _sessions, _directory, TimeProvider.System);
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
            builder.Services.AddGrpc();
            builder.Services.AddSingleton(provider => new PeerTalkService(
                () => new V1.Greeting(), _hub, _sessions, provider.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>()));
            _app = builder.Build();
            _app.MapGrpcService<PeerTalkService>();
        }

        public PeerRelayHub Relays { get; }

        private PeerPlace Place => new(_me, _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        public static async Task<Peer> StartAsync(NodeId me)
        {
            var peer = new Peer(me);
            await peer._app.StartAsync();
            return peer;
        }

        public void Knows(params Peer[] peers) => _known = [.. peers.Select(peer => peer.Place)];

        public ConnectedAgent Connect(NodeId node)
        {
            var session = new AgentSession(new Registration(node, null, 1, NodeRole.Worker, new NodeDescription { Hostname = "a" }, []));
            _sessions.Add(session);
            return new ConnectedAgent(session, _hub);
        }

        public async Task StopAsync()
        {
            using var atOnce = new CancellationTokenSource(0);
            await _app.StopAsync(atOnce.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            await _app.DisposeAsync();
            _directory.Dispose();
        }
    }

    private sealed class ConnectedAgent(AgentSession session, RelayHub hub)
    {
        public Channel<V1.RelayFromAgent> Says { get; } = Channel.CreateUnbounded<V1.RelayFromAgent>();

        public Channel<V1.RelayToAgent> Hears { get; } = Channel.CreateUnbounded<V1.RelayToAgent>();

        public async Task<V1.OpenRelay> DialAsync(CancellationToken cancellation)
        {
            var asked = (await session.Outgoing.ReadAsync(cancellation)).OpenRelay;
            Assert.True(hub.TryHandOver(asked.RelayId, new Relay(new Reader(Says.Reader), new Writer(Hears.Writer), CancellationToken.None)));
            return asked;
        }
    }

    private sealed class Reader(ChannelReader<V1.RelayFromAgent> from) : IAsyncStreamReader<V1.RelayFromAgent>
    {
        public V1.RelayFromAgent Current { get; private set; } = new();

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await from.WaitToReadAsync(cancellationToken))
                return false;
            Current = await from.ReadAsync(cancellationToken);
            return true;
        }
    }

    private sealed class Writer(ChannelWriter<V1.RelayToAgent> to) : IAsyncStreamWriter<V1.RelayToAgent>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(V1.RelayToAgent message) => to.WriteAsync(message).AsTask();

        public Task WriteAsync(V1.RelayToAgent message, CancellationToken cancellationToken) => to.WriteAsync(message, cancellationToken).AsTask();
    }
}
