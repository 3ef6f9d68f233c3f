using System.Collections.Concurrent;
using System.Threading.Channels;
using Berth.Manager.Nodes;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>One agent's open session: what waits to be sent to it, and how to end it. Any thread may use it.</summary>
public sealed class AgentSession : IDisposable
{
    /// <summary>Messages that may wait for a slow agent. When there are more, the session ends, and the agent gets a full set
    /// in its next one instead of a backlog.</summary>
    public const int MostWaiting = 256;

    private readonly Channel<V1.ManagerMessage> _outgoing =
        Channel.CreateBounded<V1.ManagerMessage>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });

    private readonly CancellationTokenSource _closed = new();
    private string? _closeReason;
    private Heart? _heart;

    /// <summary>A session of who registered.</summary>
    public AgentSession(Registration registration)
    {
        Registration = registration;
        Closed = _closed.Token;
    }

    /// <summary>Who it is.</summary>
    public Registration Registration { get; }

    /// <summary>Its node.</summary>
    public NodeId Node => Registration.Node;

    /// <summary>Where its beats are noted; only an admitted session has one.</summary>
    public Heart Heart => _heart ?? throw new InvalidOperationException($"the session of {Node} was not admitted");

    /// <summary>What waits to be sent, in order.</summary>
    public ChannelReader<V1.ManagerMessage> Outgoing => _outgoing.Reader;

    /// <summary>Ends with <see cref="Close"/>.</summary>
    public CancellationToken Closed { get; }

    /// <summary>Why it was closed from here; null while it was not.</summary>
    public string? CloseReason => Volatile.Read(ref _closeReason);

    /// <summary>What its agent said when it ended, for people; null when it said nothing.</summary>
    public string? Farewell { get; private set; }

    /// <summary>Whether its agent said that it is started again.</summary>
    public bool Restarts { get; private set; }

    /// <summary>Its agent ends.</summary>
    /// <param name="hostStops">Whether because its host shuts down.</param>
    public void SayFarewell(bool hostStops) =>
        (Farewell, Restarts) = (hostStops ? "its host shuts down" : "its agent is stopped or started again", !hostStops);

    /// <summary>Number of the last set of networks it was sent; 0 before the first. For the actor only.</summary>
    internal long NetworkSequence { get; set; }

    /// <summary>It is its node's session now.</summary>
    public void Admit(Heart heart) => _heart = heart;

    /// <summary>Sends a message after those that wait; closes the session when too many do.</summary>
    /// <returns>Whether it will be sent.</returns>
    public bool Send(V1.ManagerMessage message)
    {
        if (_outgoing.Writer.TryWrite(message))
            return true;
        Close($"its agent did not take {MostWaiting} messages in time");
        return false;
    }

    /// <summary>Sends a last message and ends the session when it is out.</summary>
    public void Finish(V1.ManagerMessage last, string reason)
    {
        Interlocked.CompareExchange(ref _closeReason, reason, null);
        _outgoing.Writer.TryWrite(last);
        _outgoing.Writer.TryComplete();
    }

    /// <summary>Ends the session at once.</summary>
    /// <param name="reason">For people; no full stop.</param>
    public void Close(string reason)
    {
        Interlocked.CompareExchange(ref _closeReason, reason, null);
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call has ended by itself meanwhile.
        }
        _outgoing.Writer.TryComplete();
    }

    /// <inheritdoc/>
    public void Dispose() => _closed.Dispose();
}

/// <summary>Sessions that were admitted, by node. Written by <see cref="DispatchActor"/>, read by any thread.</summary>
public sealed class AgentSessions
{
    private readonly ConcurrentDictionary<NodeId, AgentSession> _open = new();

    /// <summary>The node's session; null when its agent is not connected to this manager.</summary>
    public AgentSession? Find(NodeId node) => _open.GetValueOrDefault(node);

    /// <summary>How many there are.</summary>
    public int Count => _open.Count;

    /// <summary>All of them, in no order.</summary>
    public IReadOnlyCollection<AgentSession> All => [.. _open.Values];

    // Outlives the actor that keeps it.
    internal V1.Managers Managers { get; set; } = new();

    internal void Add(AgentSession session) => _open[session.Node] = session;

    internal void Remove(AgentSession session) => _open.TryRemove(KeyValuePair.Create(session.Node, session));
}
