using System.Collections.Concurrent;
using System.Threading.Channels;
using Berth.Model;
using Berth.Protocol;
using Berth.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Task = System.Threading.Tasks.Task;
using NodeDescription = Berth.Protocol.V1.NodeDescription;

namespace Berth.Tests.Integration.Agent;

/// <summary>The manager's end of the agent's protocol, over a unix socket: assigns what a test says, notes what the agent reports.</summary>
public sealed class TestManager(string socket) : Dispatcher.DispatcherBase, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<TaskReport>> _reports = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<RelayStreams>> _relays = new();
    private readonly ConcurrentDictionary<string, (Assignment Assignment, ServiceTemplate Template)> _assigned = new();
    private readonly string _cluster = new ClusterId(IdSource.Random.Next()).ToString();
    private readonly Lock _lock = new();
    private WebApplication? _app;
    private Channel<ManagerMessage>? _session;
    private long _sequence;

    public long Epoch { get; set; } = 1;

    public Register? Registered { get; private set; }

    public int Sessions { get; private set; }

    public int Beats { get; private set; }

    public NodeDescription? Description { get; private set; }

    public async Task StartAsync()
    {
        File.Delete(socket);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<TestManager>();
        await _app.StartAsync();
    }

    /// <summary>Goes away; what it assigned is remembered for the next <see cref="StartAsync"/>.</summary>
    public async Task StopAsync()
    {
        lock (_lock)
            _session?.Writer.TryComplete();
        if (_app is { } app)
        {
            using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
        _app = null;
    }

    public string Assign(Berth.Model.TaskSpec spec, Berth.Model.TaskState desired = Berth.Model.TaskState.Running, int slot = 1)
    {
        var id = new TaskId(IdSource.Random.Next()).ToString();
        var template = new ServiceTemplate { ServiceId = new ServiceId(IdSource.Random.Next()).ToString(), ServiceName = "web", SpecVersion = 1, Spec = spec.ToWire() };
        Put(new Assignment { TaskId = id, Slot = slot, Template = id, DesiredState = (Berth.Protocol.V1.TaskState)desired }, template);
        return id;
    }

    public void Want(string task, Berth.Model.TaskState desired)
    {
        var (assignment, template) = _assigned[task];
        var changed = assignment.Clone();
        changed.DesiredState = (Berth.Protocol.V1.TaskState)desired;
        Put(changed, template);
    }

    public void Remove(string task)
    {
        _assigned.TryRemove(task, out _);
        Send(set => set.Removed.Add(task));
    }

    public IReadOnlyList<TaskReport> ReportsOf(string task) => [.. _reports.GetValueOrDefault(task) ?? []];

    public TaskReport? Last(string task) => ReportsOf(task) is [.., var last] ? last : null;

    public async Task<TaskReport> UntilAsync(string task, Berth.Model.TaskState state, Func<TaskReport, bool>? also = null)
    {
        await Wait.UntilAsync(
            $"task {task} is {state}",
            () => Task.FromResult(Last(task) is { } last && (Berth.Model.TaskState)last.State == state && (also?.Invoke(last) ?? true)),
            () => string.Join('\n', ReportsOf(task)));
        return Last(task)!;
    }

    public async Task<RelayStreams> OpenAsync(OpenRelay relay)
    {
        relay.RelayId = Guid.NewGuid().ToString("N");
        var opened = _relays.GetOrAdd(relay.RelayId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
            _session!.Writer.TryWrite(new ManagerMessage { OpenRelay = relay });
        return await opened.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public override async Task Session(IAsyncStreamReader<AgentMessage> requestStream, IServerStreamWriter<ManagerMessage> responseStream, ServerCallContext context)
    {
        await requestStream.MoveNext();
        Registered = requestStream.Current.Register;
        Description = Registered.Description;
        Note(Registered.Tasks);
        var session = Channel.CreateUnbounded<ManagerMessage>();
        session.Writer.TryWrite(new ManagerMessage
        {
            Registered = new Registered { ClusterId = _cluster, Epoch = Epoch, HeartbeatPeriodNs = 200_000_000 },
        });
        lock (_lock)
        {
            _session = session;
            _sequence = 0;
            Sessions++;
            Send(set =>
            {
                set.Full = true;
                foreach (var (assignment, template) in _assigned.Values)
                {
                    set.Templates[assignment.Template] = template;
                    set.Tasks.Add(assignment);
                }
            });
        }
        var reading = ReadAsync(requestStream);
        await foreach (var message in session.Reader.ReadAllAsync(context.CancellationToken))
            await responseStream.WriteAsync(message);
        _ = reading;
    }

    public override async Task Relay(IAsyncStreamReader<RelayFromAgent> requestStream, IServerStreamWriter<RelayToAgent> responseStream, ServerCallContext context)
    {
        await requestStream.MoveNext();
        var streams = new RelayStreams(requestStream, responseStream);
        _relays[requestStream.Current.RelayId].SetResult(streams);
        await streams.Done.Task.WaitAsync(context.CancellationToken);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task ReadAsync(IAsyncStreamReader<AgentMessage> incoming)
    {
        try
        {
            await foreach (var message in incoming.ReadAllAsync())
            {
                if (message.Heartbeat is not null)
                    Beats++;
                if (message.Description is { } description)
                    Description = description;
                if (message.Status is { } status)
                    Note(status.Tasks);
            }
        }
        catch (Exception gone) when (gone is IOException or RpcException or OperationCanceledException or InvalidOperationException)
        {
            // The agent, or this manager, was killed on purpose.
        }
    }

    private void Note(IEnumerable<TaskReport> reports)
    {
        foreach (var report in reports)
            _reports.GetOrAdd(report.TaskId, _ => new()).Enqueue(report);
    }

    private void Put(Assignment assignment, ServiceTemplate template)
    {
        _assigned[assignment.TaskId] = (assignment, template);
        Send(set =>
        {
            set.Templates[assignment.Template] = template;
            set.Tasks.Add(assignment);
        });
    }

    private void Send(Action<AssignmentSet> fill)
    {
        lock (_lock)
        {
            if (_session is null)
                return;
            var set = new AssignmentSet { Sequence = ++_sequence, Epoch = Epoch };
            fill(set);
            _session.Writer.TryWrite(new ManagerMessage { Assignments = set });
        }
    }
}

/// <summary>One relay as the manager sees it.</summary>
public sealed class RelayStreams(IAsyncStreamReader<RelayFromAgent> from, IServerStreamWriter<RelayToAgent> to)
{
    public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task SendAsync(ExecInput input) => to.WriteAsync(new RelayToAgent { Input = input });

    public Task CancelAsync() => to.WriteAsync(new RelayToAgent { Cancel = true });

    public async Task<RelayFromAgent?> NextAsync() => await from.MoveNext() ? from.Current : null;

    public async Task<List<RelayFromAgent>> RestAsync()
    {
        var all = new List<RelayFromAgent>();
        while (await NextAsync().WaitAsync(TimeSpan.FromSeconds(30)) is { } message)
            all.Add(message);
        Done.TrySetResult();
        return all;
    }
}
