using System.Globalization;
using Berth.Model;

namespace Berth.Manager.Scheduling;

/// <summary>Says for people why a task fits on none of some nodes.</summary>
internal static class Explanation
{
    private const int NamedNodes = 3;

    /// <summary>Of a task that any node could take.</summary>
    public static string NoNode(Needs needs, IEnumerable<NodeRoom> rooms)
    {
        var byReason = Rejected(needs, rooms);
        return byReason.Count == 0
            ? "no suitable node (the cluster has no node that can take a task; start an agent on a host)"
            : $"no suitable node ({Join(needs, byReason)})";
    }

    /// <summary>Of a global service's task, which has one node only.</summary>
    public static string OwnNode(Needs needs, NodeRoom room, Relief predecessors) =>
        needs.Reject(room, predecessors) is { } reason
            ? $"its node {Name(room)} cannot take it ({Describe(needs, reason, [room], withCount: false)})"
            : "";

    private static SortedDictionary<Rejection, List<NodeRoom>> Rejected(Needs needs, IEnumerable<NodeRoom> rooms)
    {
        var byReason = new SortedDictionary<Rejection, List<NodeRoom>>();
        foreach (var room in rooms)
        {
            // A node that would take the group's next task has been offered already: it cannot be here.
            if (needs.Reject(room, Relief.None) is not { } reason)
                continue;
            if (!byReason.TryGetValue(reason, out var rejected))
                byReason[reason] = rejected = [];
            rejected.Add(room);
        }
        return byReason;
    }

    private static string Join(Needs needs, SortedDictionary<Rejection, List<NodeRoom>> byReason) =>
        string.Join("; ", byReason.Select(entry => Describe(needs, entry.Key, entry.Value, withCount: true)));

    private static string Describe(Needs needs, Rejection reason, List<NodeRoom> rooms, bool withCount)
    {
        var on = !withCount ? "" : rooms.Count == 1 ? " on 1 node" : $" on {rooms.Count} nodes";
        return reason switch
        {
            Rejection.Unavailable => $"not available{on}: {Names(rooms, room => $"{Name(room)} {Unavailability(room.Node)}")}",
            Rejection.Resources => $"insufficient resources{on}: {Shortage(needs, rooms)}",
            Rejection.Constraints => $"constraints not satisfied{on}: {string.Join(", ", needs.Constraints)}",
            Rejection.Platform => $"not a Linux host{on}: {Names(rooms, room => $"{Name(room)} runs {room.Node.Description.Os}")}",
            Rejection.Networks => $"networks not possible{on}: {Names(rooms, room => $"{Name(room)}: {needs.NetworkProblem(room.Node)}")}",
            Rejection.Ports => $"host port taken{on}: {Names(rooms, room => $"{Port(needs.TakenPort(room, Relief.None))} on {Name(room)}")}",
            Rejection.MaxReplicas => $"max_replicas_per_node {needs.MaxReplicasPerNode} reached{on}",
            _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "not a rejection"),
        };
    }

    private static string Unavailability(Node node) => node.Status.State switch
    {
        NodeState.Down => "is down",
        NodeState.Disconnected => "is disconnected",
        NodeState.Unknown => "has not been heard of",
        _ => node.Spec.Availability == NodeAvailability.Drain ? "is drained" : "is paused",
    };

    // Names the node that comes nearest, so that people see how much is missing.
    private static string Shortage(Needs needs, List<NodeRoom> rooms)
    {
        var asked = needs.Reservation;
        var shortages = new List<string>();
        if (asked.MemoryBytes > 0)
        {
            var best = rooms.OrderByDescending(room => room.Free.MemoryBytes).ThenBy(room => room.Node.Id).First();
            if (best.Free.MemoryBytes < asked.MemoryBytes || asked.NanoCpus <= 0)
                shortages.Add($"needs {Bytes(asked.MemoryBytes)} memory, {Bytes(best.Free.MemoryBytes)} free on {Name(best)}");
        }
        if (asked.NanoCpus > 0)
        {
            var best = rooms.OrderByDescending(room => room.Free.NanoCpus).ThenBy(room => room.Node.Id).First();
            if (best.Free.NanoCpus < asked.NanoCpus || shortages.Count == 0)
                shortages.Add($"needs {Cpus(asked.NanoCpus)} CPU, {Cpus(best.Free.NanoCpus)} free on {Name(best)}");
        }
        return string.Join(", ", shortages);
    }

    private static string Names(List<NodeRoom> rooms, Func<NodeRoom, string> describe)
    {
        var named = rooms.OrderBy(room => room.Node.Description.Hostname, StringComparer.Ordinal).ThenBy(room => room.Node.Id)
            .Take(NamedNodes).Select(describe);
        var text = string.Join(", ", named);
        return rooms.Count > NamedNodes ? $"{text} and {rooms.Count - NamedNodes} more" : text;
    }

    private static string Name(NodeRoom room) => room.Node.Description.Hostname;

    private static string Port(PortConfig? port) =>
        port is null ? "a port" : string.Create(CultureInfo.InvariantCulture, $"{port.Published}/{port.Protocol.ToString().ToLowerInvariant()}");

    private static string Cpus(long nanoCpus) => (nanoCpus / 1e9).ToString("0.##", CultureInfo.InvariantCulture);

    private static string Bytes(long bytes)
    {
        var (unit, name) = Math.Abs(bytes) >= 1L << 30 ? (1L << 30, "GiB") : Math.Abs(bytes) >= 1L << 20 ? (1L << 20, "MiB") : (1L << 10, "KiB");
        return string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / unit:0.0} {name}");
    }
}
