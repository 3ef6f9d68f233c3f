using System.Collections.Immutable;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>What a standby makes of the leader's messages: a state that is, whenever it is shown, what the leader published.</summary>
internal sealed class StandbyCopy
{
    private ClusterState _state;
    private V1.SnapshotHeader? _header;
    private readonly List<V1.SnapshotChunk> _chunks = [];
    private ImmutableArray<Change>.Builder _soft = ImmutableArray.CreateBuilder<Change>();
    private bool _isComplete;

    /// <summary>A copy that begins from what is held.</summary>
    public StandbyCopy(ClusterState held) => _state = held;

    /// <summary>Takes the leader's next message.</summary>
    /// <returns>What to show; null while catching up, or when nothing changed.</returns>
    /// <exception cref="InvalidDataException">It does not follow from what is held; catch up anew.</exception>
    public StoreProtocol.StateChanged? Take(V1.FromLeader message)
    {
        switch (message.MessageCase)
        {
            case V1.FromLeader.MessageOneofCase.State:
                _header = message.State;
                break;
            case V1.FromLeader.MessageOneofCase.Chunk:
                _chunks.Add(message.Chunk);
                break;
            case V1.FromLeader.MessageOneofCase.Steps:
                return TakeSteps(message.Steps);
            case V1.FromLeader.MessageOneofCase.Soft:
                return TakeSoft(message.Soft);
        }
        return null;
    }

    private StoreProtocol.StateChanged? TakeSteps(V1.LogSteps steps)
    {
        Join();
        var touched = new TouchedObjects();
        foreach (var step in steps.Steps.Select(PeerMapper.ToModel))
        {
            if (step.Commit is { } commit && commit.Index != _state.Index + 1)
                throw new InvalidDataException($"the leader sent commit {commit.Index} after commit {_state.Index}");
            var before = _state;
            _state = step.ApplyTo(before);
            touched.Add((step.Commit?.Changes ?? step.Soft).AsSpan(), before, _state);
        }
        return _isComplete && !touched.IsEmpty ? new StoreProtocol.StateChanged(_state, touched.ToTouched()) : null;
    }

    private StoreProtocol.StateChanged? TakeSoft(V1.SoftState soft)
    {
        Join();
        _soft.AddRange(PeerMapper.ToModel(soft.Tasks, soft.Nodes));
        if (!soft.Last)
            return null;
        _state = _state.Observe(_soft.DrainToImmutable());
        _isComplete = true;
        return new StoreProtocol.StateChanged(_state, Touched.Everything);
    }

    private void Join()
    {
        if (_header is not { } header)
            return;
        if (_chunks.Count != header.Chunks)
            throw new InvalidDataException($"the leader sent {_chunks.Count} of {header.Chunks} chunks of its state");
        _state = Snapshots.Join(header, _chunks);
        _header = null;
        _chunks.Clear();
    }
}
