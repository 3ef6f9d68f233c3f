using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>What a service becomes when its spec changes, or returns to the one before.</summary>
public static class ServiceRevisions
{
    /// <summary>A new service of <paramref name="spec"/>; its task spec is number 1.</summary>
    public static Service Create(ServiceId id, ServiceSpec spec, DateTimeOffset now) => new()
    {
        Id = id,
        CreatedAt = now,
        UpdatedAt = now,
        Spec = spec,
        SpecVersion = 1,
        LastSpecVersion = 1,
    };

    /// <summary><paramref name="service"/> with <paramref name="spec"/> as its spec. A rollout begins when the task spec
    /// differs; otherwise no task is replaced, and a rollout under way goes on.</summary>
    /// <remarks>While a rollout is not over, a change that replaces no task (a scale) leaves the spec to return to as it
    /// was, but for the mode: an automatic rollback after it must not "return" to the spec that failed.</remarks>
    public static Service Revise(ClusterState state, Service service, ServiceSpec spec, DateTimeOffset now)
    {
        if (spec.Task != service.Spec.Task)
        {
            var number = NextNumber(state, service);
            return service with
            {
                Spec = spec,
                SpecVersion = number,
                LastSpecVersion = number,
                PreviousSpec = service.Spec,
                PreviousSpecVersion = service.SpecVersion,
                UpdatedAt = now,
                Rollout = Begin(RolloutState.Updating, state, service, number, now, "update in progress"),
            };
        }
        var revised = service with { Spec = spec, LastSpecVersion = Math.Max(service.LastSpecVersion, service.SpecVersion), UpdatedAt = now };
        return IsUnderWay(service) && service.PreviousSpec is { } previous
            ? revised with { PreviousSpec = previous with { Mode = spec.Mode } }
            : revised with { PreviousSpec = service.Spec, PreviousSpecVersion = service.SpecVersion };
    }

    /// <summary><paramref name="service"/> on its way back to its previous spec; what it had becomes the previous one, so
    /// that a second rollback returns. Null when there is no previous spec, or a network of it is gone.</summary>
    /// <param name="state">State to count the slots in that are to be replaced.</param>
    /// <param name="service">The service, as the state has it.</param>
    /// <param name="now">When the rollback begins.</param>
    /// <param name="message">For people: who or what asked for it.</param>
    public static Service? RollBack(ClusterState state, Service service, DateTimeOffset now, string message) =>
        service.PreviousSpec is not { } previous || previous.Task.NetworkIds().Any(network => !state.Networks.ContainsKey(network))
            ? null
            : WithEndpoint(state, service with
            {
                Spec = previous,
                SpecVersion = service.PreviousSpecVersion,
                PreviousSpec = service.Spec,
                PreviousSpecVersion = service.SpecVersion,
                UpdatedAt = now,
                Rollout = Begin(RolloutState.RollbackStarted, state, service, service.PreviousSpecVersion, now, message),
            });

    // A port that somebody took meanwhile is missing then: to run again matters more.
    private static Service WithEndpoint(ClusterState state, Service service) => service with { Endpoint = Endpoints.Assign(state, service).Endpoint };

    private static bool IsUnderWay(Service service) =>
        service.Rollout is { State: RolloutState.Updating or RolloutState.Paused or RolloutState.RollbackStarted or RolloutState.RollbackPaused };

    private static Rollout Begin(
        RolloutState kind, ClusterState state, Service service, long number, DateTimeOffset now, string message) => new()
        {
            State = kind,
            StartedAt = now,
            ProgressAt = now,
            Message = message,
            Slots = state.TasksOf(service.Id)
                .Where(task => task.IsLive && task.SpecVersion != number)
                .Select(task => (task.Slot, Node: task.Slot == 0 ? task.NodeId : null))
                .Distinct()
                .Count(),
        };

    private static long NextNumber(ClusterState state, Service service)
    {
        var highest = Math.Max(service.LastSpecVersion, Math.Max(service.SpecVersion, service.PreviousSpecVersion));
        if (state.TaskSpecs.TryGetValue(service.Id, out var specs))
            highest = specs.Keys.Aggregate(highest, Math.Max);
        return highest + 1;
    }
}
