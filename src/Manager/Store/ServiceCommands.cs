using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>Decides commands about services.</summary>
internal static class ServiceCommands
{
    public static Decision Create(ClusterState state, Command.CreateService command, DateTimeOffset now, IdSource ids)
    {
        var problems = SpecRules.Check(command.Spec);
        if (!problems.IsEmpty)
            return Decision.Refuse(RefusalReason.Invalid, problems.Select(problem => problem.ToString()));
        if (state.FindService(command.Spec.Name) is { } existing)
        {
            return Decision.Refuse(RefusalReason.Exists,
                $"there is a service '{command.Spec.Name}' already ({existing.Id}); choose another name, or run: berth service update {command.Spec.Name}");
        }
        var resolution = NetworkResolution.Of(state, command.Spec, null, now, ids);
        if (!resolution.Problems.IsEmpty)
            return Decision.Refuse(RefusalReason.Conflict, resolution.Problems);
        var service = ServiceRevisions.Create(new ServiceId(ids.Next()), resolution.Spec, now);
        var given = Endpoints.Assign(With(state, resolution.Changes, now), service);
        return given.Problems.IsEmpty
            ? Changed(
                [.. resolution.Changes, new Change.ServicePut(service with { Endpoint = given.Endpoint })],
                new ServiceOutcome(service.Id, command.Spec.Name, ServiceOutcomeKind.Created, false))
            : Decision.Refuse(RefusalReason.Conflict, given.Problems);
    }

    /// <summary>The state as it will be after changes that are part of the same commit.</summary>
    public static ClusterState With(ClusterState state, ImmutableArray<Change> changes, DateTimeOffset now) =>
        changes.IsEmpty ? state : state.Apply(new Commit(state.Index, now, changes));

    public static Decision Update(ClusterState state, Command.UpdateService command, DateTimeOffset now, IdSource ids)
    {
        var reference = References.Service(state, command.Service);
        if (reference.Value is not { } service)
            return Decision.Refuse(reference.Refusal!);
        if (command.Version != 0 && command.Version != service.Version)
        {
            return Decision.Refuse(RefusalReason.Conflict,
                $"service '{service.Spec.Name}' changed since it was read (version {command.Version} then, {service.Version} now); read it again and repeat the update");
        }
        var problems = SpecRules.Check(command.Spec).Select(problem => problem.ToString()).ToList();
        if (command.Spec.Name != service.Spec.Name)
            problems.Add($"name: a service cannot be renamed ('{service.Spec.Name}' to '{command.Spec.Name}'); create another and remove this one");
        if (ModeProblem(service, command.Spec) is { } wrongMode)
            problems.Add($"deploy.mode: {wrongMode}");
        if (problems.Count > 0)
            return Decision.Refuse(RefusalReason.Invalid, problems);

        var resolution = NetworkResolution.Of(state, command.Spec, service, now, ids);
        if (!resolution.Problems.IsEmpty)
            return Decision.Refuse(RefusalReason.Conflict, resolution.Problems);
        var (change, outcome, wrong) = Revise(With(state, resolution.Changes, now), service, resolution.Spec, now);
        if (!wrong.IsEmpty)
            return Decision.Refuse(RefusalReason.Conflict, wrong);
        return Changed(change is null ? [] : [.. resolution.Changes, change], outcome);
    }

    public static Decision Scale(ClusterState state, Command.ScaleServices command, DateTimeOffset now)
    {
        var changes = ImmutableArray.CreateBuilder<Change>();
        var outcomes = ImmutableArray.CreateBuilder<ServiceOutcome>();
        var refusals = new List<StoreProtocol.Refused>();
        var asked = new HashSet<ServiceId>();
        if (command.Scales.IsEmpty)
            refusals.Add(new StoreProtocol.Refused(RefusalReason.Invalid, "no service is named; write SERVICE=REPLICAS"));
        foreach (var (text, replicas) in command.Scales)
        {
            var reference = References.Service(state, text);
            var refusal = reference.Refusal ?? ScaleProblem(reference.Value!, replicas, asked);
            if (refusal is not null)
            {
                refusals.Add(refusal);
                continue;
            }
            var service = reference.Value!;
            var (change, outcome, _) = Revise(state, service, service.Spec with { Mode = new ServiceMode.Replicated(replicas) }, now);
            if (change is not null)
                changes.Add(change);
            outcomes.Add(outcome);
        }
        return refusals.Count > 0 ? RefuseAll(refusals) : Changed(changes.DrainToImmutable(), [.. outcomes]);
    }

    public static Decision RollBack(ClusterState state, Command.RollbackService command, DateTimeOffset now)
    {
        var reference = References.Service(state, command.Service);
        if (reference.Value is not { } service)
            return Decision.Refuse(reference.Refusal!);
        if (ServiceRevisions.RollBack(state, service, now, "rollback asked for by a person") is not { } earlier)
        {
            return Decision.Refuse(RefusalReason.Conflict,
                $"service '{service.Spec.Name}' has no previous spec to return to: it was never updated");
        }
        if (Endpoints.Assign(state, earlier).Problems is { IsEmpty: false } taken)
            return Decision.Refuse(RefusalReason.Conflict, taken);
        var outcome = new ServiceOutcome(service.Id, service.Spec.Name, ServiceOutcomeKind.Updated, earlier.SpecVersion != service.SpecVersion);
        return Changed([new Change.ServicePut(earlier)], outcome);
    }

    public static Decision Remove(ClusterState state, Command.RemoveServices command)
    {
        var services = new List<Service>();
        var refusals = new List<StoreProtocol.Refused>();
        if (command.Services.IsEmpty)
            refusals.Add(new StoreProtocol.Refused(RefusalReason.Invalid, "no service is named"));
        foreach (var text in command.Services)
        {
            var reference = References.Service(state, text);
            if (reference.Refusal is { } refusal)
                refusals.Add(refusal);
            else if (!services.Contains(reference.Value!))
                services.Add(reference.Value!);
        }
        return refusals.Count > 0
            ? RefuseAll(refusals)
            : Changed([.. services.SelectMany(service => Removal(state, service))], [.. services.Select(Removed)]);
    }

    /// <summary>What makes <paramref name="service"/> and all its tasks go; those in history too, so that the reaper
    /// forgets them.</summary>
    public static IEnumerable<Change> Removal(ClusterState state, Service service)
    {
        yield return new Change.ServiceRemoved(service.Id);
        foreach (var task in state.TasksOf(service.Id).OrderBy(task => task.Id))
            yield return new Change.TaskDesired(task.Id, TaskState.Remove, "service removed");
    }

    /// <summary>The outcome of <see cref="Removal"/>.</summary>
    public static ServiceOutcome Removed(Service service) =>
        new(service.Id, service.Spec.Name, ServiceOutcomeKind.Removed, false);

    /// <summary>The change to <paramref name="spec"/>, null when it is that already, the outcome, and which address or port it could not be given.</summary>
    public static (Change? Change, ServiceOutcome Outcome, ImmutableArray<string> Problems) Revise(ClusterState state, Service service, ServiceSpec spec, DateTimeOffset now)
    {
        if (spec == service.Spec)
            return (null, new ServiceOutcome(service.Id, spec.Name, ServiceOutcomeKind.Unchanged, false), []);
        var revised = ServiceRevisions.Revise(state, service, spec, now);
        var given = Endpoints.Assign(state, revised);
        var replaces = revised.SpecVersion != service.SpecVersion;
        return (
            new Change.ServicePut(revised with { Endpoint = given.Endpoint }),
            new ServiceOutcome(service.Id, spec.Name, ServiceOutcomeKind.Updated, replaces), given.Problems);
    }

    /// <summary>Why <paramref name="service"/> cannot have <paramref name="spec"/>'s mode; null when it can.</summary>
    public static string? ModeProblem(Service service, ServiceSpec spec) =>
        spec.Mode.GetType() == service.Spec.Mode.GetType()
            ? null
            : $"service '{service.Spec.Name}' is {Word(service.Spec.Mode)} and cannot become {Word(spec.Mode)}; remove it first, then deploy it anew";

    private static StoreProtocol.Refused? ScaleProblem(Service service, int replicas, HashSet<ServiceId> asked)
    {
        var name = service.Spec.Name;
        if (!asked.Add(service.Id))
            return new StoreProtocol.Refused(RefusalReason.Invalid, $"service '{name}' is named twice");
        if (service.Spec.Mode is ServiceMode.Global)
        {
            return new StoreProtocol.Refused(RefusalReason.Conflict,
                $"service '{name}' is global: it has one task on each node that may run it and cannot be scaled");
        }
        return DeployRules.ReplicasProblem(replicas) is { } wrong
            ? new StoreProtocol.Refused(RefusalReason.Invalid, $"service '{name}': {wrong}")
            : null;
    }

    // All or none: several refusals become one, of the kind of the first.
    private static Decision RefuseAll(List<StoreProtocol.Refused> refusals) =>
        Decision.Refuse(refusals[0].Reason, refusals.Select(refusal => refusal.Message));

    private static Decision Changed(ImmutableArray<Change> changes, params ImmutableArray<ServiceOutcome> outcomes) =>
        Decision.Accept(changes, new CommandResults.ServicesChanged(outcomes));

    private static string Word(ServiceMode mode) => mode is ServiceMode.Global ? "global" : "replicated";
}
