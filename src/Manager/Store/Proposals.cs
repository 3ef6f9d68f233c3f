using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Which changes of a proposal still fit the newest state.</summary>
/// <param name="Durable">To be committed.</param>
/// <param name="Soft">To be applied without a commit.</param>
/// <param name="LeftOut">How many were dropped.</param>
/// <param name="Stale">Why the first dropped durable change does not fit; null when none was dropped.</param>
internal sealed record FittingChanges(ImmutableArray<Change> Durable, ImmutableArray<Change> Soft, int LeftOut, string? Stale);

/// <summary>Decides which of a proposal's changes may still be made: an object that changed after the state they were
/// decided on, or is gone, must be decided on again.</summary>
internal static class Proposals
{
    public static FittingChanges Fit(ClusterState state, StoreProtocol.Propose proposal)
    {
        var durable = ImmutableArray.CreateBuilder<Change>(proposal.Changes.Length);
        var soft = ImmutableArray.CreateBuilder<Change>();
        var leftOut = 0;
        string? stale = null;
        foreach (var change in proposal.Changes)
        {
            var problem = Problem(state, change, proposal.BasedOn);
            if (problem is null)
                (change.IsDurable ? durable : soft).Add(Complete(state, change));
            else
                leftOut++;
            // What is soft is said again anyway; it never stands in the way of the rest.
            if (change.IsDurable)
                stale ??= problem;
        }
        return new FittingChanges(durable.DrainToImmutable(), soft.DrainToImmutable(), leftOut, stale);
    }

    // Since when a task ran goes into the journal's row: a replay knows of no soft status to take it from.
    private static Change Complete(ClusterState state, Change change) => change is Change.TaskEnded ended
        ? ended with { Status = ended.Status.After(state.Tasks[ended.Id].Status) }
        : change;

    private static string? Problem(ClusterState state, Change change, long basedOn) => change switch
    {
        Change.ServicePut put => OfService(state, put, basedOn),
        Change.ServiceRemoved removed => OfService(state, removed.Id, basedOn),
        Change.NodePut put => state.Nodes.ContainsKey(put.Node.Id) || put.Node.Version > 0 ? OfNode(state, put.Node.Id, basedOn) : null,
        Change.NodeRemoved removed => OfNode(state, removed.Id, basedOn),
        Change.TaskCreated created => OfNewTask(state, created, basedOn),
        Change.TaskAssigned assigned => OfTask(state, assigned.Id, basedOn) ?? OfNode(state, assigned.NodeId, basedOn),
        Change.TaskDesired desired => OfTask(state, desired.Id, basedOn),
        Change.TaskRespecified respecified => OfTask(state, respecified.Id, basedOn) ?? OfSpec(state, state.Tasks[respecified.Id].ServiceId, respecified.SpecVersion),
        Change.TaskEnded ended => OfTask(state, ended.Id, basedOn),
        Change.TaskRemoved removed => OfTask(state, removed.Id, basedOn),
        Change.TaskObserved observed => Observations.Problem(state, observed),
        Change.NodeObserved observed => state.Nodes.ContainsKey(observed.Id) ? null : Gone("node", observed.Id),
        Change.TrustPut or Change.SettingsPut or Change.IdentityPut or Change.StackPut or Change.StackRemoved or Change.ClusterFormed or Change.LeaderElected => null,
        _ => throw new ArgumentOutOfRangeException(nameof(change), change, "not a change"),
    };

    private static string? OfService(ClusterState state, Change.ServicePut put, long basedOn)
    {
        if (state.Services.ContainsKey(put.Service.Id) || put.Service.Version > 0)
            return OfService(state, put.Service.Id, basedOn);
        return state.ServiceNames.ContainsKey(put.Service.Spec.Name) ? $"the name '{put.Service.Spec.Name}' is another service's" : null;
    }

    private static string? OfService(ClusterState state, ServiceId id, long basedOn) =>
        state.Services.TryGetValue(id, out var service) ? Newer("service", id, service.Version, basedOn) : Gone("service", id);

    private static string? OfNode(ClusterState state, NodeId id, long basedOn) =>
        state.Nodes.TryGetValue(id, out var node) ? Newer("node", id, node.Version, basedOn) : Gone("node", id);

    private static string? OfTask(ClusterState state, TaskId id, long basedOn) =>
        state.Tasks.TryGetValue(id, out var task) ? Newer("task", id, task.Version, basedOn) : Gone("task", id);

    private static string? OfNewTask(ClusterState state, Change.TaskCreated created, long basedOn)
    {
        if (state.Tasks.ContainsKey(created.Id))
            return $"task {created.Id} exists";
        return OfService(state, created.ServiceId, basedOn) ?? OfSpec(state, created.ServiceId, created.SpecVersion);
    }

    private static string? OfSpec(ClusterState state, ServiceId service, long number) =>
        state.TaskSpecs.TryGetValue(service, out var specs) && specs.ContainsKey(number) ? null : $"service {service} has no task spec {number}";

    private static string? Newer<TId>(string kind, TId id, long version, long basedOn)
        where TId : struct => version > basedOn ? $"{kind} {id} is at version {version}, the proposal is based on {basedOn}" : null;

    private static string Gone<TId>(string kind, TId id)
        where TId : struct => $"{kind} {id} is gone";
}
