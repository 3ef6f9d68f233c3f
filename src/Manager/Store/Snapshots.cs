using Berth.Model;
using Berth.Protocol;
using Google.Protobuf;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>A state as chunks of bounded size, and back. What is soft is left out; agents tell it again.</summary>
internal static class Snapshots
{
    /// <summary>What names the chunks; written once all of them are.</summary>
    public static V1.SnapshotHeader Header(ClusterState state, long firstChunk, int chunks) => new()
    {
        Index = state.Index,
        ClusterId = state.ClusterId is { } id ? JournalMapper.ToWire(id.Value) : null,
        Epoch = state.Epoch,
        FirstChunk = firstChunk,
        Chunks = chunks,
        UnlockKey = state.UnlockKey ?? "",
        Trust = state.Trust is { } trust ? IdentityMapper.ToWire(trust) : null,
        FormedTicks = state.FormedAt.UtcTicks,
        Settings = IdentityMapper.ToWire(state.Settings),
        RemovedKeys = { state.RemovedKeys.ToDictionary(key => key.Key, key => key.Value.UtcTicks) },
        StoreAuthority = state.StoreAuthority is { } authority ? JournalMapper.ToWire(authority) : null,
        Level = state.Level,
    };

    /// <summary>The chunks of <paramref name="state"/>, made one at a time.</summary>
    /// <param name="state">What to keep.</param>
    /// <param name="chunkBytes">A chunk is closed once it is larger; one object alone may exceed it.</param>
    public static IEnumerable<V1.SnapshotChunk> Split(ClusterState state, int chunkBytes)
    {
        var chunk = new V1.SnapshotChunk();
        var size = 0;
        foreach (var (message, add) in Messages(state))
        {
            add(chunk);
            size += message.CalculateSize();
            if (size < chunkBytes)
                continue;
            yield return chunk;
            chunk = new V1.SnapshotChunk();
            size = 0;
        }
        if (size > 0)
            yield return chunk;
    }

    /// <summary>The state that was split.</summary>
    /// <exception cref="NewerReleaseException">A later release wrote it.</exception>
    public static ClusterState Join(V1.SnapshotHeader header, IReadOnlyCollection<V1.SnapshotChunk> chunks)
    {
        // Before anything else is read: what is new in it would be passed over without a word.
        var level = JournalMapper.Readable(ReleaseLevel.OfWire(header.Level));
        var specs = chunks.SelectMany(chunk => chunk.TaskSpecs)
            .Select(spec => (Service: new ServiceId(JournalMapper.ToModel(spec.Service)), Version: spec.SpecVersion, Spec: spec.Spec.ToModel()))
            .ToList();
        var byNumber = specs.ToDictionary(spec => (spec.Service, spec.Version), spec => spec.Spec);
        return ClusterState.Restore(
            header.Index,
            header.ClusterId is { } id ? new ClusterId(JournalMapper.ToModel(id)) : null,
            header.Epoch,
            chunks.SelectMany(chunk => chunk.Services).Select(service => service.ToModel()),
            chunks.SelectMany(chunk => chunk.Stacks).Select(stack => stack.ToModel()),
            chunks.SelectMany(chunk => chunk.Nodes).Select(node => node.ToModel()),
            specs,
            chunks.SelectMany(chunk => chunk.Tasks).Select(task => ToModel(task, byNumber)),
            chunks.SelectMany(chunk => chunk.Clients).Select(JournalMapper.ToModel),
            header.UnlockKey.Length == 0 ? null : header.UnlockKey,
            IdentityMapper.Parts(header, chunks),
            header.StoreAuthority is { } authority ? JournalMapper.ToModel(authority) : null,
            level,
            chunks.SelectMany(chunk => chunk.Networks).Select(network => network.ToModel()));
    }

    private static IEnumerable<(IMessage Message, Action<V1.SnapshotChunk> Add)> Messages(ClusterState state)
    {
        foreach (var network in state.Networks.Values.Select(network => network.ToWire()))
            yield return (network, chunk => chunk.Networks.Add(network));
        foreach (var service in state.Services.Values.Select(service => service.ToWire()))
            yield return (service, chunk => chunk.Services.Add(service));
        foreach (var stack in state.Stacks.Values.Select(stack => stack.ToWire()))
            yield return (stack, chunk => chunk.Stacks.Add(stack));
        foreach (var node in state.Nodes.Values.Select(JournalMapper.ToWire))
            yield return (node, chunk => chunk.Nodes.Add(node));
        foreach (var (service, versions) in state.TaskSpecs)
        {
            foreach (var (version, spec) in versions)
            {
                var wire = new V1.SnapshotTaskSpec { Service = JournalMapper.ToWire(service.Value), SpecVersion = version, Spec = spec.ToWire() };
                yield return (wire, chunk => chunk.TaskSpecs.Add(wire));
            }
        }
        foreach (var identity in state.Identities.Values.Select(IdentityMapper.ToWire))
            yield return (identity, chunk => chunk.Identities.Add(identity));
        foreach (var client in state.Clients.Values.Select(JournalMapper.ToWire))
            yield return (client, chunk => chunk.Clients.Add(client));
        foreach (var task in state.Tasks.Values.Select(ToWire))
            yield return (task, chunk => chunk.Tasks.Add(task));
    }

    private static V1.SnapshotTask ToWire(ServiceTask task) => new()
    {
        Created = JournalMapper.ToWire(new Change.TaskCreated(
            task.Id, task.ServiceId, task.Slot, task.NodeId, task.SpecVersion, task.DesiredState, task.Attempt, task.NotBefore)),
        Version = task.Version,
        CreatedTicks = task.CreatedAt.UtcTicks,
        Assigned = task.State >= TaskState.Assigned,
        StatusTicks = task.Status.Timestamp.UtcTicks,
        Ended = task.State.IsTerminal() ? task.Status.ToWire() : null,
        StopReason = task.StopReason,
    };

    private static ServiceTask ToModel(V1.SnapshotTask wire, Dictionary<(ServiceId, long), TaskSpec> specs)
    {
        var created = JournalMapper.ToModel(wire.Created);
        var at = JournalMapper.At(wire.StatusTicks);
        return new ServiceTask
        {
            Id = created.Id,
            Version = wire.Version,
            CreatedAt = JournalMapper.At(wire.CreatedTicks),
            ServiceId = created.ServiceId,
            Slot = created.Slot,
            NodeId = created.NodeId,
            SpecVersion = created.SpecVersion,
            Spec = specs[(created.ServiceId, created.SpecVersion)],
            DesiredState = created.DesiredState,
            StopReason = wire.StopReason,
            Attempt = created.Attempt,
            NotBefore = created.NotBefore,
            Status = wire switch
            {
                { Ended: { } ended } => ended.ToModel(),
                { Assigned: true } => TaskStatuses.Assigned(at),
                _ => TaskStatuses.Pending(created.NodeId, at),
            },
        };
    }
}
