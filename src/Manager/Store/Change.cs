using System.Collections.Immutable;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>One object's change within a commit. Closed: the cases below are all there are.</summary>
/// <remarks>Everything but <see cref="TaskObserved"/> and <see cref="NodeObserved"/> is journalled; those two are soft:
/// agents say them again to every new leader.</remarks>
public abstract record Change
{
    private Change() { }

    /// <summary>Whether it is journalled.</summary>
    public virtual bool IsDurable => true;

    /// <summary>The cluster's first commit: its id.</summary>
    public sealed record ClusterFormed(ClusterId Id) : Change;

    /// <summary>The first commit of each term. Agents refuse a lower epoch than they have seen.</summary>
    public sealed record LeaderElected(long Epoch) : Change;

    /// <summary>Every manager is of this release level: rows may hold from now on what releases before it could not read.</summary>
    public sealed record LevelRaised(int Level) : Change;

    /// <summary>A service is new, or is now this.</summary>
    public sealed record ServicePut(Service Service) : Change;

    /// <summary>A service is gone; its tasks are told to stop by separate changes.</summary>
    public sealed record ServiceRemoved(ServiceId Id) : Change;

    /// <summary>A stack is new, or is now this.</summary>
    public sealed record StackPut(Stack Stack) : Change;

    /// <summary>A stack is gone.</summary>
    public sealed record StackRemoved(string Name) : Change;

    /// <summary>A node is new, or its spec or facts are now these; its status is kept.</summary>
    public sealed record NodePut(Node Node) : Change;

    /// <summary>A node is gone.</summary>
    public sealed record NodeRemoved(NodeId Id) : Change;

    /// <summary>A network is new, or is now this.</summary>
    public sealed record NetworkPut(Network Network) : Change;

    /// <summary>A network is gone: nothing has an address of it any more.</summary>
    public sealed record NetworkRemoved(NetworkId Id) : Change;

    /// <summary>A node's number and slices are now these. The cluster gives them, so the node's version stays.</summary>
    public sealed record NodeNetworksPut(NodeId Id, int Number, ValueList<NodeSlice> Slices) : Change;

    /// <summary>A task of the service's spec version <paramref name="SpecVersion"/> is to exist.</summary>
    /// <param name="Id">Its new id.</param>
    /// <param name="ServiceId">Its service.</param>
    /// <param name="Slot">Its slot; 0 in a global service.</param>
    /// <param name="NodeId">Its node when the service is global; else null, and the scheduler chooses.</param>
    /// <param name="SpecVersion">The service's current spec version.</param>
    /// <param name="DesiredState"><see cref="TaskState.Ready"/> to prepare only, or <see cref="TaskState.Running"/>.</param>
    /// <param name="Attempt">Quick failures before it.</param>
    /// <param name="NotBefore">Restart backoff; null when it need not wait.</param>
    public sealed record TaskCreated(
        TaskId Id, ServiceId ServiceId, int Slot, NodeId? NodeId, long SpecVersion, TaskState DesiredState, int Attempt,
        DateTimeOffset? NotBefore) : Change
    {
        /// <summary>When it was made, where an agent made it before this commit; null is the commit's instant.</summary>
        public DateTimeOffset? Made { get; init; }
    }

    /// <summary>The scheduler chose a node.</summary>
    public sealed record TaskAssigned(TaskId Id, NodeId NodeId) : Change;

    /// <summary>A task is to become something else; never less than before.</summary>
    public sealed record TaskDesired(TaskId Id, TaskState DesiredState, string Reason) : Change;

    /// <summary>A task keeps running but now counts as made from another spec version that differs only in placement.</summary>
    public sealed record TaskRespecified(TaskId Id, long SpecVersion) : Change;

    /// <summary>A task has ended; why must outlive the leader.</summary>
    public sealed record TaskEnded(TaskId Id, ServiceTaskStatus Status) : Change;

    /// <summary>A task is forgotten.</summary>
    public sealed record TaskRemoved(TaskId Id) : Change;

    /// <summary>Whom the cluster trusts is now this.</summary>
    public sealed record TrustPut(ClusterTrust Trust) : Change;

    /// <summary>What administrators decided about certificates is now this.</summary>
    public sealed record SettingsPut(ClusterSettings Settings) : Change;

    /// <summary>A node proved who it is, or has another certificate now.</summary>
    public sealed record IdentityPut(NodeIdentity Identity) : Change;

    /// <summary>A client is new, or its certificate is another now.</summary>
    public sealed record ClientPut(Client Client) : Change;

    /// <summary>A client is gone.</summary>
    public sealed record ClientRemoved(string Name) : Change;

    /// <summary>What unlocks restarted managers; null: they do not wait.</summary>
    public sealed record UnlockKeySet(string? Key) : Change
    {
        /// <summary>Without the key.</summary>
        public override string ToString() => nameof(UnlockKeySet);
    }

    /// <summary>The cluster's etcd has this authority.</summary>
    public sealed record StoreAuthorityPut(StoreAuthority Authority) : Change;

    /// <summary>Soft: how far an agent says a task has come, or why the scheduler cannot place it.</summary>
    public sealed record TaskObserved(TaskId Id, ServiceTaskStatus Status) : Change
    {
        /// <inheritdoc/>
        public override bool IsDurable => false;
    }

    /// <summary>Soft: whether a node can be reached.</summary>
    public sealed record NodeObserved(NodeId Id, NodeStatus Status) : Change
    {
        /// <inheritdoc/>
        public override bool IsDurable => false;
    }
}

/// <summary>What is written in one journal row: all of it takes effect, or nothing does.</summary>
/// <param name="Index">Grows by one with each commit; Docker's <c>Version.Index</c> of every object it touches.</param>
/// <param name="At">When it was decided, by the leader's clock.</param>
/// <param name="Changes">Durable changes, in order.</param>
public sealed record Commit(long Index, DateTimeOffset At, ImmutableArray<Change> Changes);
