using System.Threading.Channels;
using Akka.Actor;
using Berth.Manager.Api;
using Berth.Manager.Dispatch;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

/// <summary>Logs that are followed, and exec: against agents that say what a test lets them say.</summary>
public sealed class StreamTests : ActorTest, IClusterView, IRelayHub
{
    private readonly Channel<Opened> _opened = Channel.CreateUnbounded<Opened>();
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(30));
    private readonly IActorRef _actor;
    private readonly StateFeed _feed;

    public StreamTests()
    {
        var store = CreateTestProbe();
        _actor = Sys.ActorOf(Props.Create(() => new StateFeedActor(store.Ref)));
        _feed = new StateFeed(_actor);
    }

    public ClusterState Current { get; private set; } = ClusterState.Empty;

    async Task<IRelay> IRelayHub.OpenAsync(NodeId node, V1.OpenRelay request, CancellationToken cancellation)
    {
        var opened = new Opened(request);
        await _opened.Writer.WriteAsync(opened, cancellation);
        return opened;
    }

    private void Publish(Cluster cluster)
    {
        Current = cluster.State;
        _actor.Tell(new StoreProtocol.StateChanged(Current, Touched.Everything));
    }

    private (Shown<V1.LogItem> Shown, Task Call) Follow(string target)
    {
        var shown = new Shown<V1.LogItem>();
        var calls = new LogCalls(this, _feed, this, TimeProvider.System);
        return (shown, calls.ReadAsync(new V1.LogsRequest { Target = target, Follow = true, Tail = 5 }, shown, _deadline.Token));
    }

    private ValueTask<Opened> OpenedAsync() => _opened.Reader.ReadAsync(_deadline.Token);

    [Fact]
    public async Task Following_a_service_shows_tasks_that_come_later_from_their_first_line()
    {
        var cluster = new Cluster().Node(1, "n1").Service(1, "web", 2).Task(1, 1, 1, 1);
        Publish(cluster);
        var (shown, _) = Follow("web");
        var first = await OpenedAsync();
        Assert.Equal((true, 5), (first.Request.Logs.Follow, first.Request.Logs.Tail));
        first.Say("one");
        Assert.Equal("one", (await shown.NextAsync(_deadline.Token)).Line.Text.ToStringUtf8());

        Publish(cluster.Task(2, 1, 2, 1));
        var second = await OpenedAsync();
        Assert.Equal((Cluster.TaskId(2).ToString(), -1), (second.Request.Logs.TaskId, second.Request.Logs.Tail));
        second.Say("two");
        var line = (await shown.NextAsync(_deadline.Token)).Line;
        Assert.Equal(("web.2", "two"), (line.TaskName, line.Text.ToStringUtf8()));
    }

    [Fact]
    public async Task Following_a_task_ends_with_it_and_says_how_it_ended()
    {
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1));
        var (shown, call) = Follow("web.1");
        var agent = await OpenedAsync();
        agent.Say("bye");
        agent.End();
        Assert.Equal("bye", (await shown.NextAsync(_deadline.Token)).Line.Text.ToStringUtf8());

        Publish(new Cluster().Node(1, "n1").Service(1, "web")
            .Task(1, 1, 1, 1, TaskState.Failed, edit: task => task with { Status = task.Status with { Err = "exit code 3" } }));
        Assert.Equal("web.1 ended: failed: exit code 3", (await shown.NextAsync(_deadline.Token)).Notice);
        await call;
    }

    [Fact]
    public async Task A_log_that_broke_off_goes_on_after_its_last_line_and_the_gap_is_told_once()
    {
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1));
        var (shown, _) = Follow("web.1");
        var agent = await OpenedAsync();
        agent.Say("one");
        agent.Break();
        Assert.Equal("one", (await shown.NextAsync(_deadline.Token)).Line.Text.ToStringUtf8());
        Assert.StartsWith("no more logs of web.1", (await shown.NextAsync(_deadline.Token)).Notice);

        var again = await OpenedAsync();
        var last = (Cluster.Start - DateTimeOffset.UnixEpoch).Ticks * 100;
        Assert.Equal((-1, last + 100), (again.Request.Logs.Tail, again.Request.Logs.SinceUnixNs));
    }

    [Fact]
    public async Task More_logs_than_can_be_read_at_once_follow_as_others_end_and_that_is_said()
    {
        var cluster = new Cluster().Node(1, "n1").Service(1, "web", LogSources.Most + 2);
        for (var task = 1; task <= LogSources.Most; task++)
            cluster.Task(task, 1, task, 1);
        Publish(cluster);
        var (shown, _) = Follow("web");
        var first = await OpenedAsync();
        for (var task = 1; task < LogSources.Most; task++)
            await OpenedAsync();

        Publish(cluster.Task(LogSources.Most + 1, 1, LogSources.Most + 1, 1).Task(LogSources.Most + 2, 1, LogSources.Most + 2, 1));
        Assert.Contains("logs are read at the same time", (await shown.NextAsync(_deadline.Token)).Notice);
        Assert.False(_opened.Reader.TryRead(out _));

        first.End();
        await OpenedAsync();
        Publish(cluster);
        Assert.False(_opened.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Following_a_removed_service_ends_once_its_last_log_did()
    {
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1));
        var (shown, call) = Follow("web");
        var agent = await OpenedAsync();
        Publish(new Cluster().Node(1, "n1"));
        agent.End();
        Assert.Equal("web.1 is gone", (await shown.NextAsync(_deadline.Token)).Notice);
        Assert.Contains("the service is removed", (await shown.NextAsync(_deadline.Token)).Notice);
        await call;
    }

    [Fact]
    public async Task An_exec_carries_input_out_and_output_back_until_the_exit_code()
    {
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1));
        var (input, shown, call) = Exec();
        input.Write(new V1.ExecInput { Start = new V1.ExecStart { Task = "web.1", Command = { "cat" }, Stdin = true } });
        var agent = await OpenedAsync();
        Assert.Equal(("cat", Cluster.TaskId(1).ToString()), (agent.Request.Exec.Start.Command[0], agent.Request.Exec.TaskId));

        input.Write(new V1.ExecInput { Stdin = ByteString.CopyFromUtf8("hello") });
        Assert.Equal("hello", (await agent.HeardAsync(_deadline.Token)).Input.Stdin.ToStringUtf8());
        input.End();
        Assert.True((await agent.HeardAsync(_deadline.Token)).Input.StdinClosed);

        agent.Say(new V1.ExecOutput { Stdout = ByteString.CopyFromUtf8("hello") });
        agent.Say(new V1.ExecOutput { ExitCode = 4 });
        Assert.Equal("hello", (await shown.NextAsync(_deadline.Token)).Stdout.ToStringUtf8());
        Assert.Equal(4, (await shown.NextAsync(_deadline.Token)).ExitCode);
        await call;
        Assert.True(agent.IsDisposed);
    }

    [Theory]
    [InlineData(true, StatusCode.Unavailable, "the command may still run there")]
    [InlineData(false, StatusCode.FailedPrecondition, "n1: no such program")]
    public async Task An_exec_that_cannot_end_well_says_so(bool isBroken, StatusCode code, string says)
    {
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1));
        var (input, _, call) = Exec();
        input.Write(new V1.ExecInput { Start = new V1.ExecStart { Task = "web.1", Command = { "cat" } } });
        var agent = await OpenedAsync();
        if (isBroken)
            agent.Break();
        else
            agent.Fail("no such program");
        var error = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal(code, error.StatusCode);
        Assert.Contains(says, error.Status.Detail);
    }

    [Fact]
    public async Task A_second_start_ends_the_exec()
    {
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1));
        var (input, _, call) = Exec();
        var start = new V1.ExecInput { Start = new V1.ExecStart { Task = "web.1", Command = { "cat" } } };
        input.Write(start);
        input.Write(start);
        var error = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.True((await OpenedAsync()).IsDisposed);
    }

    private (Spoken Input, Shown<V1.ExecOutput> Shown, Task Call) Exec()
    {
        var input = new Spoken();
        var shown = new Shown<V1.ExecOutput>();
        return (input, shown, new ExecCalls(this, this, TimeProvider.System).RunAsync(input, shown, _deadline.Token));
    }

    /// <summary>What a caller says, as a test lets him.</summary>
    private sealed class Spoken : IAsyncStreamReader<V1.ExecInput>
    {
        private readonly Channel<V1.ExecInput> _said = Channel.CreateUnbounded<V1.ExecInput>();

        public V1.ExecInput Current { get; private set; } = new();

        public void Write(V1.ExecInput message) => _said.Writer.TryWrite(message);

        public void End() => _said.Writer.Complete();

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await _said.Reader.WaitToReadAsync(cancellationToken))
                return false;
            Current = await _said.Reader.ReadAsync(cancellationToken);
            return true;
        }
    }

    /// <summary>A stream an agent opened, with the agent's side of it.</summary>
    private sealed class Opened(V1.OpenRelay request) : IRelay
    {
        private readonly Channel<V1.RelayFromAgent> _said = Channel.CreateUnbounded<V1.RelayFromAgent>();
        private readonly Channel<V1.RelayToAgent> _heard = Channel.CreateUnbounded<V1.RelayToAgent>();

        public V1.OpenRelay Request => request;

        public bool IsDisposed { get; private set; }

        public void Say(string text) => _said.Writer.TryWrite(new V1.RelayFromAgent
        {
            Line = new V1.LogLine { Time = Cluster.Start.ToTimestamp(), Text = ByteString.CopyFromUtf8(text) },
        });

        public void Say(V1.ExecOutput output) => _said.Writer.TryWrite(new V1.RelayFromAgent { Output = output });

        public void Fail(string error) => _said.Writer.TryWrite(new V1.RelayFromAgent { Error = error });

        public void End() => _said.Writer.Complete();

        public void Break() => _said.Writer.Complete(new RelayUnavailableException("the stream broke off"));

        public async Task<V1.RelayToAgent> HeardAsync(CancellationToken cancellation) => await _heard.Reader.ReadAsync(cancellation);

        public async IAsyncEnumerable<V1.RelayFromAgent> ReadAsync(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            while (true)
            {
                V1.RelayFromAgent said;
                try
                {
                    said = await _said.Reader.ReadAsync(cancellation);
                }
                catch (ChannelClosedException closed)
                {
                    if (closed.InnerException is RelayUnavailableException broken)
                        throw broken;
                    yield break;
                }
                yield return said;
            }
        }

        public Task WriteAsync(V1.RelayToAgent message, CancellationToken cancellation) =>
            _heard.Writer.WriteAsync(message, cancellation).AsTask();

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
