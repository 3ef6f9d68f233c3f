using System.Collections.Immutable;
using Akka.Actor;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What the store actor understands and answers.</summary>
public static class StoreProtocol
{
    /// <summary>A person's command: decided inside the store on the newest state. Answered with
    /// <see cref="Executed"/> once durable, or with <see cref="Refused"/>.</summary>
    public sealed record Execute(Command Command)
    {
        /// <summary>The trace it belongs to, as W3C's <c>traceparent</c>; empty when it has none.</summary>
        public string Trace { get; init; } = "";
    }

    /// <summary>The command took effect and is durable.</summary>
    /// <param name="Index">The commit that holds it; the newest index when nothing had to change.</param>
    /// <param name="Result">What <see cref="Commands"/> returned for it.</param>
    public sealed record Executed(long Index, object Result);

    /// <summary>Nothing was changed.</summary>
    /// <param name="Reason">Which kind of refusal.</param>
    /// <param name="Message">For people: what, why, what to do; one problem a line.</param>
    public sealed record Refused(RefusalReason Reason, string Message);

    /// <summary>A decider's changes. Answered with <see cref="Committed"/> once durable, or <see cref="Stale"/>.</summary>
    /// <param name="BasedOn"><see cref="ClusterState.Index"/> of the state it was decided on.</param>
    /// <param name="Changes">Changes, soft ones included.</param>
    /// <param name="Partial">True: changes whose objects moved on since are left out and the rest is committed. False:
    /// one of them refuses all.</param>
    public sealed record Propose(long BasedOn, ImmutableArray<Change> Changes, bool Partial = false)
    {
        /// <summary>The trace it belongs to; empty when it has none.</summary>
        public string Trace { get; init; } = "";
    }

    /// <summary>The proposal is durable; a <see cref="StateChanged"/> that holds it was sent before this.</summary>
    public sealed record Committed(long Index, int LeftOut);

    /// <summary>An object of the proposal changed since; decide again on the state that follows.</summary>
    public sealed record Stale(string What);

    /// <summary>What agents say of tasks; not answered. Ends become durable, the rest stays soft.</summary>
    /// <param name="NodeId">Whose agent speaks; reports of tasks of another node are dropped.</param>
    /// <param name="Reports">Statuses by task.</param>
    public sealed record Observe(NodeId NodeId, ImmutableArray<(TaskId Task, ServiceTaskStatus Status)> Reports);

    /// <summary>From now on <paramref name="Subscriber"/> gets every <see cref="StateChanged"/>, the present state first.</summary>
    /// <param name="Subscriber">Who hears.</param>
    /// <param name="WhileLeading">Only while this manager leads: for those who decide. Their first message is everything.</param>
    public sealed record Subscribe(IActorRef Subscriber, bool WhileLeading = false);

    /// <summary>Write a snapshot now, of all that is written when it is asked for, and delete what it replaces. Answered with
    /// <see cref="SnapshotTaken"/> or <see cref="SnapshotNotTaken"/>.</summary>
    public sealed record TakeSnapshot
    {
        /// <summary>The one there is.</summary>
        public static TakeSnapshot Instance { get; } = new();
    }

    /// <summary>The snapshot is written, and everything before it is deleted.</summary>
    public sealed record SnapshotTaken
    {
        /// <summary>The one there is.</summary>
        public static SnapshotTaken Instance { get; } = new();
    }

    /// <summary>The snapshot was not written, or what it replaces not deleted; the log says why.</summary>
    public sealed record SnapshotNotTaken
    {
        /// <summary>The one there is.</summary>
        public static SnapshotNotTaken Instance { get; } = new();
    }

    /// <summary>The state is now this. Several commits may have been folded into one message.</summary>
    /// <param name="State">The whole state.</param>
    /// <param name="Touched">Which objects differ from the message before.</param>
    public sealed record StateChanged(ClusterState State, Touched Touched);

    /// <summary>For standbys: what led from the state published before to this one, in order.</summary>
    /// <param name="State">The published state.</param>
    /// <param name="Steps">Commits, and soft changes between them.</param>
    public sealed record Published(ClusterState State, ImmutableArray<Step> Steps);

    /// <summary>The lease is valid again: what waited for it may be answered.</summary>
    public sealed record LeaseRenewed;

    /// <summary>Nothing more will be asked of the store: answered with <see cref="Drained"/> once all it took is durable.</summary>
    public sealed record Drain;

    /// <summary>Everything is durable and published.</summary>
    /// <param name="State">The newest state.</param>
    public sealed record Drained(ClusterState State);
}

/// <summary>One step from a state to the next: a commit, or soft changes. Exactly one of both is there.</summary>
/// <param name="Commit">Durable changes; null for a soft step.</param>
/// <param name="Soft">Soft changes; empty for a commit.</param>
public readonly record struct Step(Commit? Commit, ImmutableArray<Change> Soft)
{
    /// <summary>A durable step.</summary>
    public static Step Of(Commit commit) => new(commit, []);

    /// <summary>A soft step.</summary>
    public static Step Of(ImmutableArray<Change> soft) => new(null, soft);

    /// <summary>The state after it.</summary>
    public ClusterState ApplyTo(ClusterState state) => Commit is not null ? state.Apply(Commit) : state.Observe(Soft);
}

/// <summary>Ids of objects that changed; may name too many, never too few.</summary>
/// <param name="All">Everything may have changed: the first message of a subscription.</param>
/// <param name="Services">Services that changed, or one of whose tasks did, soft changes included.</param>
/// <param name="Nodes">Nodes that changed, status included.</param>
/// <param name="Tasks">Tasks that changed, status included; also removed ones.</param>
public sealed record Touched(
    bool All, TouchedIds<ServiceId> Services, TouchedIds<NodeId> Nodes, TouchedIds<TaskId> Tasks)
{
    /// <summary>Networks that changed; also removed ones.</summary>
    public TouchedIds<NetworkId> Networks { get; init; } = [];

    /// <summary>Nothing.</summary>
    public static Touched Nothing { get; } = new(false, [], [], []);

    /// <summary>Everything.</summary>
    public static Touched Everything { get; } = new(true, [], [], []);
}

/// <summary>Why a command was refused; each has its own gRPC status.</summary>
public enum RefusalReason
{
    /// <summary>It can never work: INVALID_ARGUMENT.</summary>
    Invalid,
    /// <summary>What it names does not exist: NOT_FOUND.</summary>
    NotFound,
    /// <summary>What it would make exists: ALREADY_EXISTS.</summary>
    Exists,
    /// <summary>It does not fit the present state, such as a stale version: FAILED_PRECONDITION.</summary>
    Conflict,
    /// <summary>Whoever asks may not: PERMISSION_DENIED.</summary>
    Denied,
}

/// <summary>The newest state, for whoever only reads. Set by the store, read by any thread.</summary>
public interface IClusterView
{
    /// <summary>The newest published state; durable but for its soft parts.</summary>
    ClusterState Current { get; }
}
