using System.Threading.Channels;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>One standby's link at the leader: what waits to be sent to it. The leader never waits for a standby: one that does not
/// keep up is cut off, and catches up anew.</summary>
internal sealed class StandbySession(V1.StandbyHello hello) : IDisposable
{
    /// <summary>Messages that may wait.</summary>
    public const int MostWaiting = 20_000;

    /// <summary>Their size together, bytes.</summary>
    public const long MostBytes = 128L << 20;

    private readonly Channel<V1.FromLeader> _outgoing = Channel.CreateBounded<V1.FromLeader>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly TaskCompletionSource<CatchUp> _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closed = new();
    private long _waitingBytes;
    private string? _reason;

    /// <summary>What it said of itself.</summary>
    public V1.StandbyHello Hello => hello;

    /// <summary>Its node.</summary>
    public NodeId Node { get; } = PeerMapper.NodeOf(hello.Node);

    /// <summary>Ends when the session is cut off.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>Why it was cut off; null while it was not.</summary>
    public string? Reason => Volatile.Read(ref _reason);

    /// <summary>Where it begins; once the leader's first state is there.</summary>
    public Task<CatchUp> Begun => _begun.Task;

    /// <summary>What is to be sent after catching up.</summary>
    public ChannelReader<V1.FromLeader> Outgoing => _outgoing.Reader;

    /// <summary>It begins here; what is sent from now on follows from that.</summary>
    public void Begin(CatchUp catchUp) => _begun.TrySetResult(catchUp);

    /// <summary>Sends a message behind those that wait.</summary>
    public void Send(V1.FromLeader message, int bytes)
    {
        if (Interlocked.Add(ref _waitingBytes, bytes) > MostBytes || !_outgoing.Writer.TryWrite(message))
            Close("it does not keep up");
    }

    /// <summary>A message was sent.</summary>
    public void Sent(int bytes) => Interlocked.Add(ref _waitingBytes, -bytes);

    /// <summary>Cuts it off.</summary>
    public void Close(string reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _begun.TrySetCanceled();
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Its call has ended meanwhile.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _closed.Dispose();
}

/// <summary>What a standby is sent before the live steps.</summary>
/// <param name="State">The leader's published state.</param>
/// <param name="Commits">What leads from the standby's index to it; null when the whole state must be sent.</param>
internal sealed record CatchUp(ClusterState State, IReadOnlyList<V1.LogStep>? Commits)
{
    private const int MessageBytes = 1 << 20;

    /// <summary>The messages, made one at a time.</summary>
    public IEnumerable<V1.FromLeader> Messages()
    {
        if (Commits is { } commits)
        {
            foreach (var steps in Batches(commits))
                yield return new V1.FromLeader { Steps = steps };
        }
        else
        {
            var chunks = 0;
            foreach (var chunk in Snapshots.Split(State, MessageBytes))
            {
                chunks++;
                yield return new V1.FromLeader { Chunk = chunk };
            }
            yield return new V1.FromLeader { State = Snapshots.Header(State, 1, chunks) };
        }
        foreach (var soft in PeerMapper.SoftState(State, MessageBytes))
            yield return new V1.FromLeader { Soft = soft };
    }

    /// <summary>Steps in messages of bounded size; a step alone may exceed it.</summary>
    public static IEnumerable<V1.LogSteps> Batches(IEnumerable<V1.LogStep> steps)
    {
        var batch = new V1.LogSteps();
        var size = 0;
        foreach (var step in steps)
        {
            batch.Steps.Add(step);
            size += step.CalculateSize();
            if (size < MessageBytes)
                continue;
            yield return batch;
            (batch, size) = (new V1.LogSteps(), 0);
        }
        if (batch.Steps.Count > 0)
            yield return batch;
    }
}
