using System.Globalization;
using System.Threading.Channels;
using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Protocol;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Agent.Session;

/// <summary>A manager said no for good; dialling at once again would not help.</summary>
public sealed class RefusedException(string reason) : Exception(reason);

/// <summary>A manager asked the agent to go to another one.</summary>
public sealed class MovedException(string target) : Exception($"sent to the manager on node {target}")
{
    /// <summary>That manager's node.</summary>
    public string Target { get; } = target;
}

/// <summary>A manager answers no heartbeats.</summary>
public sealed class SilentException(TimeSpan silence)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"the manager has been silent for {silence.TotalSeconds:0.0} s"));

/// <summary>One session with one manager: register, receive assignments, report, beat. Ends with an exception that says why.</summary>
/// <param name="parts">What it works with.</param>
/// <param name="channel">To the manager.</param>
/// <param name="allowedSilence">How long a heartbeat may stay unanswered.</param>
public sealed class ManagerSession(SessionParts parts, GrpcChannel channel, TimeSpan allowedSilence)
{
    // Statuses that change within this time travel together.
    private static readonly TimeSpan ReportPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan RegisterWithin = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan DescribeEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RelaysWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FarewellWithin = TimeSpan.FromSeconds(1);

    private readonly Channel<V1.AgentMessage> _outgoing = Channel.CreateUnbounded<V1.AgentMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly V1.Dispatcher.DispatcherClient _client = new(channel);
    private readonly TaskCompletionSource<string> _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _unanswered = long.MaxValue;
    private int _relays;

    /// <summary>Runs the session until it breaks.</summary>
    /// <param name="registered">Called once the manager took the agent in.</param>
    /// <param name="stopping">The agent stops.</param>
    public async Task RunAsync(Action registered, CancellationToken stopping)
    {
        using var ending = new CancellationTokenSource();
        var unheard = stopping.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), ending);
        await using var _ = unheard.ConfigureAwait(false);
        await SettleAsync(ending.Token).ConfigureAwait(false);
        using var call = _client.Session(cancellationToken: ending.Token);
        var register = Register();
        await call.RequestStream.WriteAsync(register, ending.Token).ConfigureAwait(false);
        var welcome = await FirstAsync(call.ResponseStream, ending.Token).ConfigureAwait(false);
        await EnterAsync(welcome, ending.Token).ConfigureAwait(false);
        registered();
        // From here on the manager is told first.
        await unheard.DisposeAsync().ConfigureAwait(false);

        Task[] loops =
        [
            ReceiveAsync(call.ResponseStream, new AssignmentInbox(parts.State.Epoch), ending.Token),
            SendAsync(call.RequestStream, ending.Token),
            BeatAsync(SpecMapper.FromNanoseconds(welcome.HeartbeatPeriodNs), welcome.AnswersHeartbeats, ending.Token),
            ReportAsync(ending.Token),
            DescribeAsync(register.Register.Description, ending.Token),
            MoveAsync(ending.Token),
            EndAsync(stopping, ending.Token),
        ];
        try
        {
            await await Task.WhenAny(loops).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // What the agent restarts by itself has to be in the registration, or the manager would restart it too.
    private async Task SettleAsync(CancellationToken cancellation)
    {
        var settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        parts.Keeper.Post(new KeeperInput.Registering(settled));
        await settled.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    private V1.AgentMessage Register()
    {
        // All tasks are told below: changes up to here need no report of their own.
        parts.Board.TakeChanged();
        var now = parts.Time.GetUtcNow();
        return new V1.AgentMessage
        {
            Register = new V1.Register
            {
                NodeId = parts.State.Node.ToString(),
                ClusterId = parts.State.Cluster?.ToString() ?? "",
                Description = Description(),
                Role = parts.IsManager || parts.Duty.IsWanted ? V1.NodeRole.Manager : V1.NodeRole.Worker,
                Epoch = parts.State.Epoch,
                Level = ReleaseLevel.Own,
                Tasks = { parts.Board.Tasks.Values.Where(task => !task.IsDropped).Select(task => task.ToReport(now)) },
            },
        };
    }

    private V1.NodeDescription Description()
    {
        var facts = parts.Facts.Describe(parts.Health.Facts, parts.Health.Trouble, parts.Health.DiskTrouble, parts.Duty.State);
        return (facts with { Networking = parts.Networking(), Warnings = facts.Warnings.Concat(parts.NetworkWarnings()).ToValueList() }).ToWire();
    }

    private async Task<V1.Registered> FirstAsync(IAsyncStreamReader<V1.ManagerMessage> incoming, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(RegisterWithin, parts.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        var came = await incoming.MoveNext(both.Token).ConfigureAwait(false);
        if (came && incoming.Current.Refused is { } refused)
            throw new RefusedException(refused.Reason);
        return came && incoming.Current.Registered is { } registered
            ? registered
            : throw new ProtocolException("the manager did not answer the registration");
    }

    private async Task EnterAsync(V1.Registered welcome, CancellationToken cancellation)
    {
        if (ReleaseLevel.Problem("the manager", ReleaseLevel.OfWire(welcome.Level), "this agent", ReleaseLevel.Own) is { } release)
            throw new RefusedException(release);
        var cluster = ClusterId.Parse(welcome.ClusterId);
        if (parts.State.Cluster is { } own && own != cluster)
            throw new RefusedException($"this node belongs to cluster {own} and the manager leads cluster {cluster}; to join that one, give the agent an empty data directory");
        if (welcome.Epoch < parts.State.Epoch)
            throw new ProtocolException($"the manager's epoch is {welcome.Epoch}, but {parts.State.Epoch} was obeyed: it leads no more");
        parts.Identity.Cluster = cluster;
        await parts.State.RememberAsync(cluster, welcome.Epoch, cancellation).ConfigureAwait(false);
        await parts.State.RememberAsync(welcome.Managers, welcome.RejoinWindowNs, cancellation).ConfigureAwait(false);
    }

    private async Task ReceiveAsync(IAsyncStreamReader<V1.ManagerMessage> incoming, AssignmentInbox inbox, CancellationToken cancellation)
    {
        var networks = new NetworkFeed.Told();
        await foreach (var message in incoming.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            Volatile.Write(ref _unanswered, long.MaxValue);
            switch (message.MessageCase)
            {
                case V1.ManagerMessage.MessageOneofCase.Assignments:
                    await OnAssignmentsAsync(message.Assignments, inbox, cancellation).ConfigureAwait(false);
                    break;
                case V1.ManagerMessage.MessageOneofCase.Networks:
                    parts.Networks.Take(message.Networks, networks);
                    break;
                case V1.ManagerMessage.MessageOneofCase.Heartbeat:
                    break;
                case V1.ManagerMessage.MessageOneofCase.OpenRelay:
                    _ = RelayAsync(message.OpenRelay, cancellation);
                    break;
                case V1.ManagerMessage.MessageOneofCase.Refused:
                    throw new RefusedException(message.Refused.Reason);
                case V1.ManagerMessage.MessageOneofCase.Managers:
                    await parts.State.RememberAsync(message.Managers.Managers_, message.Managers.RejoinWindowNs, cancellation).ConfigureAwait(false);
                    break;
                case V1.ManagerMessage.MessageOneofCase.Trust:
                    parts.Membership.TrustChanged(message.Trust.AuthorityPem, message.Trust.RenewNow, parts.State.RejoinWindow);
                    break;
                case V1.ManagerMessage.MessageOneofCase.ManagerDuty:
                    _ = DoDutyAsync(message.ManagerDuty, cancellation);
                    break;
                case V1.ManagerMessage.MessageOneofCase.Move:
                    _moved.TrySetResult(message.Move.NodeId);
                    break;
                default:
                    parts.Log.LogDebug("a message this agent does not know: {Case}", message.MessageCase);
                    break;
            }
        }
        throw new ProtocolException("the manager ended the session");
    }

    private async Task OnAssignmentsAsync(V1.AssignmentSet set, AssignmentInbox inbox, CancellationToken cancellation)
    {
        var change = inbox.Read(set, parts.Board.Tasks);
        // A new leader is obeyed for good before anything is done that it says.
        if (inbox.Epoch > parts.State.Epoch)
            await parts.State.RememberAsync(parts.Identity.Cluster, inbox.Epoch, cancellation).ConfigureAwait(false);
        parts.Keeper.Post(new KeeperInput.Assigned(change));
    }

    private async Task RelayAsync(V1.OpenRelay request, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _relays);
        await new Relay(parts, _client, request).RunAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Interlocked.Decrement(ref _relays);
    }

    // A log that somebody reads is not torn off for the sake of balance, unless it is followed for ever.
    private async Task MoveAsync(CancellationToken cancellation)
    {
        var target = await _moved.Task.WaitAsync(cancellation).ConfigureAwait(false);
        var since = parts.Time.GetTimestamp();
        while (Volatile.Read(ref _relays) > 0 && parts.Time.GetElapsedTime(since) < RelaysWithin)
            await Task.Delay(TimeSpan.FromMilliseconds(200), parts.Time, cancellation).ConfigureAwait(false);
        throw new MovedException(target);
    }

    private async Task SendAsync(IClientStreamWriter<V1.AgentMessage> stream, CancellationToken cancellation)
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            await stream.WriteAsync(message, cancellation).ConfigureAwait(false);
        await stream.CompleteAsync().ConfigureAwait(false);
        // A call that is ended from here might take its last message with it: the manager ends it.
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(false);
    }

    // Why the agent ends, so that a node that is back in a moment is not taken for lost.
    private async Task EndAsync(CancellationToken stopping, CancellationToken cancellation)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var _ = stopping.UnsafeRegister(static told => ((TaskCompletionSource)told!).SetResult(), told).ConfigureAwait(false);
        await told.Task.WaitAsync(cancellation).ConfigureAwait(false);
        // A node that leaves its cluster is not awaited.
        if (!parts.Membership.Leaving.IsCompleted)
            Send(new V1.AgentMessage { Ends = new V1.AgentEnds { HostStops = await parts.HostStops().ConfigureAwait(false) } });
        _outgoing.Writer.TryComplete();
        await Task.Delay(FarewellWithin, parts.Time, cancellation).ConfigureAwait(false);
    }

    // On its own, so that the node stays up however long a pull or an engine takes. Every other tick only looks.
    private async Task BeatAsync(TimeSpan period, bool answered, CancellationToken cancellation)
    {
        if (period <= TimeSpan.Zero)
            throw new ProtocolException("the manager asked for heartbeats without a period");
        using var timer = new PeriodicTimer(period / 2, parts.Time);
        for (var beats = false; await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false); beats = !beats)
        {
            var now = parts.Time.GetTimestamp();
            var asked = Volatile.Read(ref _unanswered);
            // Where none is answered at all, HTTP/2's pings watch over the manager.
            if (answered && asked < now && parts.Time.GetElapsedTime(asked, now) is var silence && silence > allowedSilence)
                throw new SilentException(silence);
            if (!beats)
                continue;
            Interlocked.CompareExchange(ref _unanswered, now, long.MaxValue);
            Send(new V1.AgentMessage { Heartbeat = new V1.Heartbeat { Answer = true } });
        }
    }

    private async Task ReportAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await parts.Board.WaitAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(ReportPause, parts.Time, cancellation).ConfigureAwait(false);
            var now = parts.Time.GetUtcNow();
            var reports = parts.Board.TakeChanged().Where(task => !task.IsDropped).Select(task => task.ToReport(now)).ToList();
            if (reports.Count > 0)
                Send(new V1.AgentMessage { Status = new V1.StatusReport { Tasks = { reports } } });
        }
    }

    // From what was registered on: what changed since then is news too, such as a duty the manager's first words named.
    private async Task DescribeAsync(V1.NodeDescription told, CancellationToken cancellation)
    {
        while (true)
        {
            var changed = parts.Health.NextChangeAsync(cancellation);
            var description = Description();
            if (!description.Equals(told))
            {
                told = description;
                Send(new V1.AgentMessage { Description = description });
            }
            // Of a manager's start and end beside it nobody tells.
            await Task.WhenAny(changed, Task.Delay(DescribeEvery, parts.Time, cancellation)).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    // Somebody waits until a manager is gone.
    private async Task DoDutyAsync(V1.ManagerDuty duty, CancellationToken cancellation)
    {
        await parts.Duty.ApplyAsync(duty.Wanted, duty.ConfigJson, cancellation).ConfigureAwait(false);
        Send(new V1.AgentMessage { Description = Description() });
    }

    private void Send(V1.AgentMessage message) => _outgoing.Writer.TryWrite(message);
}
