using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Channels;
using Berth.Agent.Session;
using Berth.Protocol;
using Berth.Protocol.V1;
using Grpc.Core;
using ManagerEndpoint = Berth.Agent.Session.ManagerEndpoint;
using Task = System.Threading.Tasks.Task;

namespace Berth.Bench.Simulation;

/// <summary>An agent without an engine that looks for another manager when it loses its own. Whom it dials when, how it dials, and
/// how long a manager may be silent is decided by the agent's own code; only the session's tasks are simulated.</summary>
public sealed class RejoiningAgent(FleetMember who, RejoiningFleet fleet, IReadOnlyList<ManagerEndpoint> seeds)
{
    // As the agent's ManagerLink and ManagerSession have them.
    private static readonly TimeSpan ShortestSession = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RegisterWithin = TimeSpan.FromSeconds(12);

    private readonly SimulatedTasks _tasks = new();
    private readonly TimeProvider _time = TimeProvider.System;
    private IReadOnlyList<ManagerEndpoint> _told = [];
    private TimeSpan _window;
    private Silence _silence = new();
    private ManagerConnection? _connection;
    private Channel<AgentMessage>? _outbox;
    private string? _cluster;
    private long _epoch;
    private long _unanswered = long.MaxValue;
    private CancellationTokenSource? _session;

    /// <summary>Who it is.</summary>
    public FleetMember Who => who;

    /// <summary>Where its session is; null while it has none.</summary>
    public Uri? At { get; private set; }

    /// <summary>Whether it dials unix sockets, without TLS.</summary>
    public bool IsLocal => seeds[0].Url.Scheme == "unix";

    /// <summary>Runs until told to stop.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var plan = DialPlan.Of(who.Node, _told, seeds, _window);
        var (result, target) = (DialResult.Started, (string?)null);
        while (!stopping.IsCancellationRequested)
        {
            (plan, var dial) = plan.With(who.Node, IsLocal ? [] : _told, seeds, _window).Next(result, Random.Shared.NextDouble(), target);
            await Task.Delay(dial.Wait, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stopping.IsCancellationRequested)
                (plan, result, target) = await TryAsync(plan, dial, result == DialResult.NotNow, stopping);
        }
        _connection?.Dispose();
    }

    /// <summary>Once a second: beats, or gives up a manager that answers none.</summary>
    public void Tick()
    {
        if (At is null || _outbox is not { } outbox)
            return;
        var now = _time.GetTimestamp();
        var asked = Volatile.Read(ref _unanswered);
        if (asked < now && _time.GetElapsedTime(asked, now) > _silence.Allowed(_window))
        {
            fleet.FoundSilent();
            _session?.Cancel();
            return;
        }
        Interlocked.CompareExchange(ref _unanswered, now, long.MaxValue);
        outbox.Writer.TryWrite(new AgentMessage { Heartbeat = new Heartbeat { Answer = true } });
    }

    private async Task<(DialPlan Plan, DialResult Result, string? Target)> TryAsync(DialPlan plan, Dial dial, bool isHeld, CancellationToken stopping)
    {
        long? began = null;
        using var session = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _session = session;
        try
        {
            if (!isHeld || _connection?.Manager != dial.Manager)
            {
                _connection?.Dispose();
                _connection = null;
                _connection = await new ManagerDialer(IsLocal ? null : who.Identity, _time).ConnectAsync(dial, session.Token);
            }
            plan = plan.Reached(_connection.Manager);
            var target = await HoldAsync(_connection, () => began = _time.GetTimestamp(), session.Token);
            return (plan, target is null ? DialResult.Broke : DialResult.Moved, target);
        }
        catch (Exception broken) when (broken is RpcException or OperationCanceledException or TimeoutException or IOException or SocketException
            or AuthenticationException or InvalidOperationException or HttpRequestException)
        {
            if (!stopping.IsCancellationRequested)
                fleet.Failed(began is not null, broken);
            var lasted = began is { } since ? _time.GetElapsedTime(since) : TimeSpan.Zero;
            _silence = _silence.After(lasted, broken is OperationCanceledException);
            if (began is not null)
                return (plan, lasted >= ShortestSession ? DialResult.Broke : DialResult.Unreachable, null);
            return (plan, broken is RpcException { Status.DebugException: null } ? DialResult.NotNow : DialResult.Unreachable, null);
        }
        finally
        {
            (At, _outbox, _session) = (null, null, null);
        }
    }

    // Until it breaks, or a manager sends the agent elsewhere.
    private async Task<string?> HoldAsync(ManagerConnection connection, Action begins, CancellationToken cancellation)
    {
        using var call = new Dispatcher.DispatcherClient(connection.Channel).Session(cancellationToken: cancellation);
        await call.RequestStream.WriteAsync(new AgentMessage { Register = Registration() }, cancellation);
        var welcome = await FirstAsync(call.ResponseStream, cancellation);
        (_cluster, _epoch) = (welcome.ClusterId, welcome.Epoch);
        Remember(welcome.Managers, welcome.RejoinWindowNs);
        var outbox = Channel.CreateUnbounded<AgentMessage>(new UnboundedChannelOptions { SingleReader = true });
        Volatile.Write(ref _unanswered, long.MaxValue);
        begins();
        (_outbox, At) = (outbox, connection.Manager.Url);
        fleet.Registered(this, _time.GetTimestamp());
        var writing = WriteAsync(call.RequestStream, outbox.Reader, cancellation);
        try
        {
            return await ReadAsync(call.ResponseStream, outbox.Writer, cancellation);
        }
        finally
        {
            outbox.Writer.TryComplete();
            call.Dispose();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<Registered> FirstAsync(IAsyncStreamReader<ManagerMessage> incoming, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(RegisterWithin);
        if (!await incoming.MoveNext(limit.Token) || incoming.Current.Registered is not { } registered)
            throw new InvalidOperationException(incoming.Current?.Refused?.Reason ?? "the manager did not answer the registration");
        return registered;
    }

    private static async Task WriteAsync(IClientStreamWriter<AgentMessage> stream, ChannelReader<AgentMessage> outbox, CancellationToken cancellation)
    {
        await foreach (var message in outbox.ReadAllAsync(cancellation))
            await stream.WriteAsync(message, cancellation);
    }

    private async Task<string?> ReadAsync(IAsyncStreamReader<ManagerMessage> incoming, ChannelWriter<AgentMessage> outbox, CancellationToken cancellation)
    {
        while (await incoming.MoveNext(cancellation))
        {
            Volatile.Write(ref _unanswered, long.MaxValue);
            var message = incoming.Current;
            switch (message.MessageCase)
            {
                case ManagerMessage.MessageOneofCase.Assignments:
                    _epoch = Math.Max(_epoch, message.Assignments.Epoch);
                    var (report, added) = _tasks.Obey(message.Assignments);
                    fleet.Assigned(added);
                    if (report.Tasks.Count > 0)
                        outbox.TryWrite(new AgentMessage { Status = report });
                    break;
                case ManagerMessage.MessageOneofCase.Managers:
                    Remember(message.Managers.Managers_, message.Managers.RejoinWindowNs);
                    break;
                case ManagerMessage.MessageOneofCase.Move:
                    fleet.Moving(this, _time.GetTimestamp());
                    return message.Move.NodeId;
                case ManagerMessage.MessageOneofCase.Refused:
                    throw new InvalidOperationException(message.Refused.Reason);
            }
        }
        throw new InvalidOperationException("the manager ended the session");
    }

    private Register Registration() => new()
    {
        NodeId = who.Node.ToString(),
        ClusterId = _cluster ?? "",
        Epoch = _epoch,
        Description = SimulatedAgent.Description(who.Number),
        Tasks = { _tasks.Reports },
        Level = ReleaseLevel.Own,
    };

    private void Remember(IEnumerable<Protocol.V1.ManagerEndpoint> managers, long window)
    {
        _told = [.. managers.Select(manager => new ManagerEndpoint(manager.NodeId, new Uri(manager.Url)))];
        _window = SpecMapper.FromNanoseconds(window);
    }
}
