using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>Streams between this manager and one node's agent, opened by the agent when asked: logs and exec.</summary>
public interface IRelayHub
{
    /// <summary>Asks <paramref name="node"/>'s agent for a stream and waits until it dialled back.</summary>
    /// <param name="node">A node whose agent is connected to this manager.</param>
    /// <param name="request">Its purpose; the relay id is filled in here.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The open relay; dispose it to tell the agent that the reader went away.</returns>
    /// <exception cref="RelayUnavailableException">The node's agent is not connected, or does not dial back in 5 s.</exception>
    Task<IRelay> OpenAsync(NodeId node, V1.OpenRelay request, CancellationToken cancellation);
}

/// <summary>One open stream to an agent.</summary>
public interface IRelay : IAsyncDisposable
{
    /// <summary>What the agent sends, until it ends the stream. The first message (the relay id) is not repeated here.</summary>
    IAsyncEnumerable<V1.RelayFromAgent> ReadAsync(CancellationToken cancellation);

    /// <summary>Sends input of an exec.</summary>
    Task WriteAsync(V1.RelayToAgent message, CancellationToken cancellation);
}

/// <summary>A node cannot be reached for a relay; the message says which and why, for people.</summary>
public sealed class RelayUnavailableException(string message) : Exception(message);
