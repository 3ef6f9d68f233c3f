using System.Collections.Immutable;
using System.Globalization;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Manager.Nodes;

/// <summary>What is known of a node's connection to this manager.</summary>
/// <param name="LastHeard">When it last spoke, by the manager's clock; null when it has not since the manager started.</param>
/// <param name="Ended">Why its last session ended, for people; null while one is open.</param>
/// <param name="Restarts">Whether its agent said that it is started again.</param>
public readonly record struct Contact(DateTimeOffset? LastHeard, string? Ended, bool Restarts = false)
{
    /// <summary>Not heard of since the manager started.</summary>
    public static Contact None { get; }
}

/// <summary>New states of nodes, and when to look again.</summary>
/// <param name="Changes">Only nodes whose state changed.</param>
/// <param name="LookAgainAt">When the next node could become down; null when none can.</param>
public sealed record Reachability(ImmutableArray<Change> Changes, DateTimeOffset? LookAgainAt);

/// <summary>Says which nodes can be reached. Rules: docs/agents-and-managers.md.</summary>
public static class Membership
{
    /// <summary>Decides every node's state.</summary>
    /// <param name="nodes">All nodes, with the state they have now.</param>
    /// <param name="contactOf">What is known of a node's connection.</param>
    /// <param name="since">Nobody counts as silent for longer than since this instant: when the manager started, or when it
    /// awoke from a pause in which it could not have heard anything.</param>
    /// <param name="startedAt">When the manager started; nodes that were not heard of since are unknown for a grace time.</param>
    /// <param name="now">The manager's clock.</param>
    /// <param name="options">Allowed silence and grace.</param>
    /// <param name="rejoin">How much longer nodes have whose session ended: <see cref="RejoinPace.Grace"/>.</param>
    public static Reachability Decide(
        IEnumerable<Node> nodes, Func<NodeId, Contact> contactOf, DateTimeOffset since, DateTimeOffset startedAt, DateTimeOffset now,
        NodesOptions options, TimeSpan rejoin = default)
    {
        var changes = ImmutableArray.CreateBuilder<Change>();
        DateTimeOffset? next = null;
        foreach (var node in nodes)
        {
            var contact = contactOf(node.Id);
            // Whom the leader before called down is down until it is heard of; its tasks have been replaced.
            if (contact.LastHeard is null && node.Status.State == NodeState.Down)
                continue;
            var (status, deadline) = Judge(contact, since, startedAt, now, options, rejoin);
            if (status.State != node.Status.State)
                changes.Add(new Change.NodeObserved(node.Id, status));
            if (status.State != NodeState.Down && (next is null || deadline < next))
                next = deadline;
        }
        return new Reachability(changes.ToImmutable(), next);
    }

    /// <summary>Says how a node is, and when its silence will have lasted too long.</summary>
    public static (NodeStatus Status, DateTimeOffset Deadline) Judge(
        Contact contact, DateTimeOffset since, DateTimeOffset startedAt, DateTimeOffset now, NodesOptions options, TimeSpan rejoin = default)
    {
        if (contact.LastHeard is not { } lastHeard)
        {
            // Who had its session at the leader before was told to wait as well.
            var graceEnds = Later(startedAt + options.StartGrace, Later(startedAt, since) + options.DownAfter + rejoin);
            return now >= graceEnds
                ? (new(NodeState.Down, $"not heard of in {Seconds(now - startedAt)} since the manager started", now), graceEnds)
                : (NodeStatus.Unknown with { Since = startedAt }, graceEnds);
        }
        // Who lost his session because his manager went away was told to wait before he dials another.
        var deadline = Later(lastHeard, since) + options.DownAfter + (contact.Ended is null ? TimeSpan.Zero : rejoin);
        // Its containers run on meanwhile: what it was doing is not given to others because a start took long.
        if (contact is { Ended: not null, Restarts: true })
            deadline = Later(deadline, Later(lastHeard, since) + options.RestartGrace);
        if (now >= deadline)
            return (new(NodeState.Down, $"silent for {Seconds(now - lastHeard)}, last heard at {Instant(lastHeard)}{After(contact)}", now), deadline);
        return contact.Ended is null
            ? (new(NodeState.Ready, "its agent is connected", now), deadline)
            : (new(NodeState.Disconnected, $"{contact.Ended}; last heard at {Instant(lastHeard)}", now), deadline);
    }

    private static string After(Contact contact) => contact.Ended is null ? "" : $"; {contact.Ended}";

    private static DateTimeOffset Later(DateTimeOffset left, DateTimeOffset right) => left > right ? left : right;

    private static string Seconds(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s");

    private static string Instant(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
