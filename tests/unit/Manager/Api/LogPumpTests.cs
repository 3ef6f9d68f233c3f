using System.Threading.Channels;
using Berth.Manager.Api;
using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Time.Testing;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class LogPumpTests : IRelayHub, IRelay
{
    private static readonly ClusterState State = new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1).State;
    private static readonly LogSource Source = LogSources.Among(State, State.Tasks.Values).Readable[0];

    private readonly FakeTimeProvider _time = new(Cluster.Start);
    private readonly Channel<V1.RelayFromAgent> _agent = Channel.CreateUnbounded<V1.RelayFromAgent>();
    private readonly Channel<V1.LogItem> _reader = Channel.CreateUnbounded<V1.LogItem>();
    private string? _unavailable;

    Task<IRelay> IRelayHub.OpenAsync(NodeId node, V1.OpenRelay request, CancellationToken cancellation) =>
        _unavailable is null ? Task.FromResult<IRelay>(this) : throw new RelayUnavailableException(_unavailable);

    IAsyncEnumerable<V1.RelayFromAgent> IRelay.ReadAsync(CancellationToken cancellation) => _agent.Reader.ReadAllAsync(cancellation);

    Task IRelay.WriteAsync(V1.RelayToAgent message, CancellationToken cancellation) => Task.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    private Task<LogPump.Ending> Pump(bool follow = false) => new LogPump(this, _time).RunAsync(
        Source, LogCalls.Request(Source.Task.Id, follow, -1, null), _reader.Writer, isQuiet: false, CancellationToken.None);

    [Fact]
    public async Task Lines_get_the_names_that_only_the_manager_knows()
    {
        _agent.Writer.TryWrite(new V1.RelayFromAgent { Line = new V1.LogLine { Time = Cluster.Start.ToTimestamp() } });
        _agent.Writer.Complete();
        Assert.Equal(new LogPump.Ending(true, Cluster.Start), await Pump());
        var line = (await _reader.Reader.ReadAsync()).Line;
        Assert.Equal(("web.1", "n1", Cluster.TaskId(1).ToString()), (line.TaskName, line.NodeHostname, line.TaskId));
    }

    [Fact]
    public async Task A_node_that_cannot_be_reached_is_a_notice()
    {
        _unavailable = "n1 is not connected";
        Assert.False((await Pump()).IsWhole);
        Assert.Equal("no logs of web.1: n1 is not connected", (await _reader.Reader.ReadAsync()).Notice);
    }

    [Fact]
    public async Task An_agent_that_falls_silent_is_given_up_after_a_while()
    {
        var pumping = Pump();
        _time.Advance(LogPump.IdleLimit);
        Assert.False((await pumping).IsWhole);
        Assert.Contains("n1 stopped answering", (await _reader.Reader.ReadAsync()).Notice);
    }

    [Fact]
    public async Task A_followed_log_may_be_silent_for_as_long_as_it_likes()
    {
        var pumping = Pump(follow: true);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.False(pumping.IsCompleted);
        _agent.Writer.Complete();
        Assert.True((await pumping).IsWhole);
    }
}
