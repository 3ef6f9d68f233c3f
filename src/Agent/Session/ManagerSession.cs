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

/// <summary>One session with one manager: register, receive assignments, report, beat. Ends with an exception that says why.</summary>
public sealed class ManagerSession(SessionParts parts, GrpcChannel channel)
{
    // Statuses that change within this time travel together.
    private static readonly TimeSpan ReportPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan RegisterWithin = TimeSpan.FromSeconds(5);

    private readonly Channel<V1.AgentMessage> _outgoing = Channel.CreateUnbounded<V1.AgentMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly V1.Dispatcher.DispatcherClient _client = new(channel);

    /// <summary>Runs the session until it breaks.</summary>
    /// <param name="registered">Called once the manager took the agent in.</param>
    /// <param name="stopping">The agent stops.</param>
    public async Task RunAsync(Action registered, CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var call = _client.Session(cancellationToken: ending.Token);
        await call.RequestStream.WriteAsync(Register(), ending.Token).ConfigureAwait(false);
        var welcome = await FirstAsync(call.ResponseStream, ending.Token).ConfigureAwait(false);
        await EnterAsync(welcome, ending.Token).ConfigureAwait(false);
        registered();

        Task[] loops =
        [
            ReceiveAsync(call.ResponseStream, new AssignmentInbox(parts.State.Epoch), ending.Token),
            SendAsync(call.RequestStream, ending.Token),
            BeatAsync(SpecMapper.FromNanoseconds(welcome.HeartbeatPeriodNs), ending.Token),
            ReportAsync(ending.Token),
            DescribeAsync(ending.Token),
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
                Role = parts.IsManager ? V1.NodeRole.Manager : V1.NodeRole.Worker,
                Epoch = parts.State.Epoch,
                Tasks = { parts.Board.Tasks.Values.Where(task => !task.IsDropped).Select(task => task.ToReport(now)) },
            },
        };
    }

    private V1.NodeDescription Description() => parts.Facts.Describe(parts.Health.Facts, parts.Health.Trouble, parts.Health.DiskTrouble).ToWire();

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
        var cluster = ClusterId.Parse(welcome.ClusterId);
        if (parts.State.Cluster is { } own && own != cluster)
            throw new RefusedException($"this node belongs to cluster {own} and the manager leads cluster {cluster}; to join that one, give the agent an empty data directory");
        if (welcome.Epoch < parts.State.Epoch)
            throw new ProtocolException($"the manager's epoch is {welcome.Epoch}, but {parts.State.Epoch} was obeyed: it leads no more");
        parts.Identity.Cluster = cluster;
        await parts.State.RememberAsync(cluster, welcome.Epoch, cancellation).ConfigureAwait(false);
    }

    private async Task ReceiveAsync(IAsyncStreamReader<V1.ManagerMessage> incoming, AssignmentInbox inbox, CancellationToken cancellation)
    {
        await foreach (var message in incoming.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            switch (message.MessageCase)
            {
                case V1.ManagerMessage.MessageOneofCase.Assignments:
                    parts.Keeper.Post(new KeeperInput.Assigned(inbox.Read(message.Assignments, parts.Board.Tasks)));
                    break;
                case V1.ManagerMessage.MessageOneofCase.OpenRelay:
                    _ = new Relay(parts, _client, message.OpenRelay).RunAsync(cancellation);
                    break;
                case V1.ManagerMessage.MessageOneofCase.Refused:
                    throw new RefusedException(message.Refused.Reason);
                default:
                    parts.Log.LogDebug("a message this agent does not know: {Case}", message.MessageCase);
                    break;
            }
        }
        throw new ProtocolException("the manager ended the session");
    }

    private async Task SendAsync(IClientStreamWriter<V1.AgentMessage> stream, CancellationToken cancellation)
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            await stream.WriteAsync(message, cancellation).ConfigureAwait(false);
    }

    // On its own, so that the node stays up however long a pull or an engine takes.
    private async Task BeatAsync(TimeSpan period, CancellationToken cancellation)
    {
        if (period <= TimeSpan.Zero)
            throw new ProtocolException("the manager asked for heartbeats without a period");
        using var timer = new PeriodicTimer(period, parts.Time);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
            Send(new V1.AgentMessage { Heartbeat = new V1.Heartbeat() });
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

    private async Task DescribeAsync(CancellationToken cancellation)
    {
        var told = Description();
        while (true)
        {
            var changed = parts.Health.NextChangeAsync(cancellation);
            var description = Description();
            if (!description.Equals(told))
            {
                told = description;
                Send(new V1.AgentMessage { Description = description });
            }
            await changed.ConfigureAwait(false);
        }
    }

    private void Send(V1.AgentMessage message) => _outgoing.Writer.TryWrite(message);
}
