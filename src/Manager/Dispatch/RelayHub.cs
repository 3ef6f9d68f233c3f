using System.Collections.Concurrent;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>Brings those who ask for a stream to an agent together with the agents that dial back.</summary>
public sealed class RelayHub(AgentSessions sessions, IClusterView view, IdSource ids, TimeProvider time) : IRelayHub
{
    /// <summary>An agent that has not dialled back by then will not.</summary>
    public static readonly TimeSpan DialTime = TimeSpan.FromSeconds(5);

    /// <summary>Streams that may be waited for at a time.</summary>
    public const int MostWaiting = 1000;

    private readonly ConcurrentDictionary<string, Asked> _waiting = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<IRelay> OpenAsync(NodeId node, V1.OpenRelay request, CancellationToken cancellation)
    {
        var session = sessions.Find(node)
            ?? throw new RelayUnavailableException($"the agent of node {NameOf(node)} is not connected to this manager");
        if (_waiting.Count >= MostWaiting)
            throw new RelayUnavailableException($"{MostWaiting} streams to agents are being opened already; try again in a moment");

        var asked = new Asked(node);
        var named = request.Clone();
        named.RelayId = ObjectId.Format(ids.Next());
        _waiting[named.RelayId] = asked;
        try
        {
            if (!session.Send(new V1.ManagerMessage { OpenRelay = named }))
                throw new RelayUnavailableException($"the session of node {NameOf(node)} is ending; try again when it is back");
            return await asked.Dialled.Task.WaitAsync(DialTime, time, cancellation);
        }
        catch (Exception error)
        {
            await GiveUpAsync(asked);
            if (error is TimeoutException)
                throw new RelayUnavailableException($"the agent of node {NameOf(node)} did not dial back within {DialTime.TotalSeconds:0} s");
            throw;
        }
        finally
        {
            _waiting.TryRemove(named.RelayId, out _);
        }
    }

    /// <summary>An agent dialled: hands its stream to who asked for it.</summary>
    /// <returns>False when nobody asked for it, or gave up.</returns>
    internal bool TryHandOver(string relayId, Relay relay)
    {
        if (!_waiting.TryRemove(relayId, out var asked))
            return false;
        relay.Node = asked.Node;
        return asked.Dialled.TrySetResult(relay);
    }

    // The agent may have dialled in the same moment: its stream must not stay open for nobody.
    private static async Task GiveUpAsync(Asked asked)
    {
        if (!asked.Dialled.TrySetCanceled())
            await (await asked.Dialled.Task).DisposeAsync();
    }

    private string NameOf(NodeId node) =>
        view.Current.Nodes.TryGetValue(node, out var found) ? $"'{found.Description.Hostname}'" : node.ToString();

    private sealed class Asked(NodeId node)
    {
        public NodeId Node { get; } = node;
        public TaskCompletionSource<IRelay> Dialled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
