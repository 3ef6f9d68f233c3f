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

/// <summary>The manager's end of the agent's protocol, over a unix socket or TLS: assigns what a test says, notes what the agent reports.</summary>
/// <param name="socket">Path of its socket; not used with TLS.</param>
/// <param name="tls">The cluster it is of; null for a manager that is alone.</param>
public sealed class TestManager(string socket, TestCluster? tls = null) : Dispatcher.DispatcherBase, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<TaskReport>> _reports = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<RelayStreams>> _relays = new();
    private readonly ConcurrentDictionary<string, (Assignment Assignment, ServiceTemplate Template)> _assigned = tls?.Assigned ?? new();
    private readonly string _cluster = (tls?.Cluster ?? new ClusterId(IdSource.Random.Next())).ToString();
    private readonly Lock _lock = new();
    private WebApplication? _app;
    private Channel<ManagerMessage>? _session;
    private long _sequence;

    public long Epoch { get; set; } = 1;

    /// <summary>Of its host.</summary>
    public NodeId Id { get; } = new(IdSource.Random.Next());

    /// <summary>Its port, with TLS.</summary>
    public int Port { get; private set; }

    public ManagerEndpoint Endpoint => new() { NodeId = Id.ToString(), Url = $"https://127.0.0.1:{Port}" };

    /// <summary>It hears and says nothing any more, as a process that was stopped.</summary>
    public bool IsMute { get; set; }

    /// <summary>Refuses whoever registers, with this.</summary>
    public string? Refusal { get; set; }

    /// <summary>Certificate of the newest session.</summary>
    public string? Serial { get; private set; }

    public bool HasSession { get; private set; }

    public Register? Registered { get; private set; }

    public int Sessions { get; private set; }

    public int Beats { get; private set; }

    public NodeDescription? Description { get; private set; }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (tls is null)
            {
                File.Delete(socket);
                kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2);
                return;
            }
            kestrel.ListenLocalhost(Port, tls.IdentityOf(Id));
        });
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        if (tls is not null)
            builder.Services.AddSingleton(new TestEnrollment(tls));
        _app = builder.Build();
        _app.MapGrpcService<TestManager>();
        if (tls is not null)
            _app.MapGrpcService<TestEnrollment>();
        await _app.StartAsync();
        if (tls is not null)
            Port = new Uri(_app.Urls.First()).Port;
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
        Serial = context.GetHttpContext().Connection.ClientCertificate?.SerialNumber;
        if (Refusal is { } refusal)
        {
            await responseStream.WriteAsync(new ManagerMessage { Refused = new Refused { Reason = refusal } });
            return;
        }
        Adopt(Registered);
        Description = Registered.Description;
        Note(Registered.Tasks);
        var session = Channel.CreateUnbounded<ManagerMessage>();
        session.Writer.TryWrite(new ManagerMessage
        {
            Registered = new Registered { ClusterId = _cluster, Epoch = Epoch, HeartbeatPeriodNs = 200_000_000, AnswersHeartbeats = true, Level = ReleaseLevel.Newest, Managers = { tls?.Managers.Select(manager => manager.Endpoint) ?? [] } },
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
        var reading = ReadAsync(requestStream, session);
        HasSession = true;
        try
        {
            await foreach (var message in session.Reader.ReadAllAsync(context.CancellationToken))
            {
                if (!IsMute)
                    await responseStream.WriteAsync(message);
            }
        }
        finally
        {
            HasSession = false;
        }
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

    /// <summary>Says something else on the session.</summary>
    public void Say(ManagerMessage message)
    {
        lock (_lock)
            _session!.Writer.TryWrite(message);
    }

    // As a leader does: what an agent began in the place of a task is the cluster's task from then on.
    private void Adopt(Register register)
    {
        foreach (var report in register.Tasks.Where(report => report.Local is not null))
        {
            if (!_assigned.TryGetValue(report.Local.Root, out var root))
                continue;
            var successor = root.Assignment.Clone();
            successor.TaskId = report.TaskId;
            _assigned[report.TaskId] = (successor, root.Template);
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<AgentMessage> incoming, Channel<ManagerMessage> session)
    {
        try
        {
            await foreach (var message in incoming.ReadAllAsync())
            {
                if (message.Heartbeat is not null)
                {
                    Beats++;
                    session.Writer.TryWrite(new ManagerMessage { Heartbeat = new HeartbeatAnswer() });
                }
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
