using System.Collections.Immutable;
using System.Buffers.Binary;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>Between steps and reports and their messages on a link.</summary>
internal static class PeerMapper
{
    private const int IdBytes = 16;

    public static V1.LogStep ToWire(Step step)
    {
        if (step.Commit is { } commit)
            return new V1.LogStep { Commit = JournalMapper.ToWire(commit) };
        var wire = new V1.LogStep();
        foreach (var change in step.Soft)
        {
            if (change is Change.TaskObserved task)
                wire.Tasks.Add(ToWire(task.Id, task.Status));
            else if (change is Change.NodeObserved node)
                wire.Nodes.Add(ToWire(node.Id, node.Status));
            else
                throw new ArgumentOutOfRangeException(nameof(step), change, "not a soft change");
        }
        return wire;
    }

    public static Step ToModel(V1.LogStep wire) => wire.Commit is { } commit
        ? Step.Of(JournalMapper.ToModel(commit))
        : Step.Of(ToModel(wire.Tasks, wire.Nodes));

    public static ImmutableArray<Change> ToModel(IEnumerable<V1.TaskEnded> tasks, IEnumerable<V1.SoftNode> nodes) =>
    [
        .. tasks.Select(task => new Change.TaskObserved(IdOf(task), task.Status.ToModel())),
        .. nodes.Select(node => new Change.NodeObserved(NodeOf(node.Node), ToModel(node.Status))),
    ];

    public static V1.TaskEnded ToWire(TaskId id, ServiceTaskStatus status) => new()
    {
        IdHigh = (ulong)(id.Value >> 64),
        IdLow = (ulong)id.Value,
        Status = status.ToWire(),
    };

    public static TaskId IdOf(V1.TaskEnded wire) => new(new UInt128(wire.IdHigh, wire.IdLow));

    public static NodeId NodeOf(V1.Id wire) => new(JournalMapper.ToModel(wire));

    public static V1.Id ToWire(NodeId node) => JournalMapper.ToWire(node.Value);

    public static V1.SoftNode ToWire(NodeId node, NodeStatus status) => new()
    {
        Node = ToWire(node),
        Status = new V1.NodeStatus { State = (V1.NodeState)status.State, Message = status.Message, Since = status.Since.ToTimestamp() },
    };

    /// <summary>All soft state, in messages of bounded size; the last one says so.</summary>
    public static IEnumerable<V1.SoftState> SoftState(ClusterState state, int messageBytes)
    {
        var message = new V1.SoftState();
        var size = 0;
        foreach (var task in state.Tasks.Values)
        {
            if (task.State.IsTerminal())
                continue;
            var wire = ToWire(task.Id, task.Status);
            message.Tasks.Add(wire);
            size += wire.CalculateSize();
            if (size < messageBytes)
                continue;
            yield return message;
            (message, size) = (new V1.SoftState(), 0);
        }
        foreach (var node in state.Nodes.Values)
            message.Nodes.Add(ToWire(node.Id, node.Status));
        message.Last = true;
        yield return message;
    }

    public static V1.ObservedTasks ToWire(StoreProtocol.Observe observe, DateTimeOffset now) => new()
    {
        SentTicks = now.UtcTicks,
        Node = ToWire(observe.NodeId),
        Tasks = { observe.Reports.Select(report => ToWire(report.Task, report.Status)) },
    };

    /// <summary>Reads reports; their instants become the leader's.</summary>
    public static StoreProtocol.Observe ToModel(V1.ObservedTasks wire, DateTimeOffset now)
    {
        var shift = Shift(wire.SentTicks, now);
        return new StoreProtocol.Observe(NodeOf(wire.Node), [.. wire.Tasks.Select(task => (IdOf(task), Shifted(task.Status.ToModel(), shift)))]);
    }

    public static V1.RegisterOnLeader ToWire(Command.RegisterNode command, long request, DateTimeOffset now) => new()
    {
        Request = request,
        SentTicks = now.UtcTicks,
        Node = ToWire(command.Id),
        Role = (V1.NodeRole)command.Role,
        Description = command.Description.ToWire(),
        LocalChains = { command.LocalChains.Select(ToWire) },
    };

    public static Command.RegisterNode ToModel(V1.RegisterOnLeader wire, DateTimeOffset now)
    {
        var shift = Shift(wire.SentTicks, now);
        return new Command.RegisterNode(NodeOf(wire.Node), (NodeRole)wire.Role, wire.Description.ToModel())
        {
            LocalChains = wire.LocalChains.Select(chain => ToModel(chain, shift)).ToValueList(),
        };
    }

    public static ByteString Pack(IReadOnlyCollection<NodeId> nodes)
    {
        var bytes = new byte[nodes.Count * IdBytes];
        var at = 0;
        foreach (var node in nodes)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(at), node.Value);
            at += IdBytes;
        }
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    public static IEnumerable<NodeId> Unpack(ByteString packed)
    {
        for (var at = 0; at + IdBytes <= packed.Length; at += IdBytes)
            yield return new NodeId(BinaryPrimitives.ReadUInt128BigEndian(packed.Span[at..]));
    }

    private static V1.LocalChain ToWire(LocalChain chain) => new()
    {
        Root = ToWire(chain.Root, chain.RootStatus),
        Attempts =
        {
            chain.Attempts.Select(attempt => new V1.ChainedAttempt
            {
                Task = ToWire(attempt.Id, attempt.Status),
                Generation = attempt.Generation,
                Attempt = attempt.Attempt,
                MadeTicks = attempt.Made.UtcTicks,
                NotBeforeTicks = attempt.NotBefore?.UtcTicks ?? 0,
            }),
        },
    };

    private static LocalChain ToModel(V1.LocalChain wire, TimeSpan shift) => new(
        IdOf(wire.Root),
        Shifted(wire.Root.Status.ToModel(), shift),
        wire.Attempts.Select(attempt => new LocalAttempt(
            IdOf(attempt.Task), attempt.Generation, attempt.Attempt, JournalMapper.At(attempt.MadeTicks) + shift,
            attempt.NotBeforeTicks == 0 ? null : JournalMapper.At(attempt.NotBeforeTicks) + shift,
            Shifted(attempt.Task.Status.ToModel(), shift))).ToValueList());

    private static NodeStatus ToModel(V1.NodeStatus wire) => new((NodeState)wire.State, wire.Message, wire.Since?.ToDateTimeOffset() ?? default);

    private static TimeSpan Shift(long sentTicks, DateTimeOffset now) => now - JournalMapper.At(sentTicks);

    private static ServiceTaskStatus Shifted(ServiceTaskStatus status, TimeSpan shift) =>
        status with { Timestamp = status.Timestamp + shift, RunningSince = status.RunningSince + shift };
}
