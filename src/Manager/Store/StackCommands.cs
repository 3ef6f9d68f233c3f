using System.Collections.Immutable;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Manager.Store;

/// <summary>Decides commands about stacks: the whole stack in one commit, or nothing.</summary>
internal static class StackCommands
{
    public static Decision Deploy(ClusterState state, Command.DeployStack command, DateTimeOffset now, IdSource ids)
    {
        var problems = SpecRules.Check(command.Spec);
        if (!problems.IsEmpty)
            return Decision.Refuse(RefusalReason.Invalid, problems.Select(problem => problem.ToString()));
        var misfits = command.Spec.Services.Select(spec => Misfit(state, command.Spec.Name, spec)).OfType<StoreProtocol.Refused>().ToList();
        if (misfits.Count > 0)
            return Decision.Refuse(misfits[0].Reason, misfits.Select(misfit => misfit.Message));

        var (networks, refusals) = NetworkCommands.Deploy(state, command.Spec, now, ids);
        if (refusals.Count > 0)
            return Decision.Refuse(refusals[0].Reason, refusals.Select(refusal => refusal.Message));

        var changes = ImmutableArray.CreateBuilder<Change>();
        var outcomes = ImmutableArray.CreateBuilder<ServiceOutcome>();
        changes.AddRange(networks);
        if (!command.KeepOrphans)
        {
            // Before the others, so that what they hold is free for them.
            foreach (var orphan in Orphans(state, command.Spec))
                changes.AddRange(ServiceCommands.Removal(state, orphan));
        }
        if (Put(ServiceCommands.With(state, changes.ToImmutable(), now), command.Spec, changes, outcomes, now, ids) is { } refusal)
            return Decision.Refuse(refusal);
        if (!command.KeepOrphans)
        {
            outcomes.AddRange(Orphans(state, command.Spec).Select(ServiceCommands.Removed));
            changes.AddRange(NetworkCommands.Leave(state, command.Spec.Name, command.Spec.Networks));
        }
        var stack = StackAfter(state, command.Spec.Name, changes.Count > 0, now, ids);
        if (!state.Stacks.TryGetValue(command.Spec.Name, out var known) || stack != known)
            changes.Add(new Change.StackPut(stack));
        return Decision.Accept(changes.DrainToImmutable(), new CommandResults.StackDeployed(stack, outcomes.DrainToImmutable())
        {
            NewNetworks = [.. networks.OfType<Change.NetworkPut>().Where(put => !state.Networks.ContainsKey(put.Network.Id)).Select(put => put.Network.Spec.Name)],
        });
    }

    // Each on the state that the ones before it leave: two services of a stack are not given the same address.
    private static StoreProtocol.Refused? Put(
        ClusterState state, StackSpec stack, ImmutableArray<Change>.Builder changes, ImmutableArray<ServiceOutcome>.Builder outcomes, DateTimeOffset now, IdSource ids)
    {
        var problems = new List<string>();
        foreach (var spec in stack.Services)
        {
            var resolution = NetworkResolution.Of(state, spec, state.FindService(spec.Name), now, ids);
            problems.AddRange(resolution.Problems);
            if (!resolution.Problems.IsEmpty)
                continue;
            state = ServiceCommands.With(state, resolution.Changes, now);
            var (change, outcome, wrong) = Put(state, stack.Name, resolution.Spec, now, ids);
            problems.AddRange(wrong);
            changes.AddRange(resolution.Changes);
            outcomes.Add(outcome);
            if (change is null)
                continue;
            changes.Add(change);
            if (resolution.Spec.Endpoint != EndpointSpec.Default || !resolution.Spec.Task.Networks.IsEmpty || !resolution.Spec.Task.Ports.IsEmpty)
                state = ServiceCommands.With(state, [change], now);
        }
        return problems.Count == 0 ? null : new StoreProtocol.Refused(RefusalReason.Conflict, string.Join('\n', problems));
    }

    public static Decision Remove(ClusterState state, Command.RemoveStack command)
    {
        var services = ServicesOf(state, command.Name);
        if (services.Count == 0 && !state.Stacks.ContainsKey(command.Name))
        {
            return Decision.Refuse(RefusalReason.NotFound,
                $"there is no stack '{command.Name}'; to see what there is, run: berth stack ls");
        }
        return Decision.Accept(
            [
                .. services.SelectMany(service => ServiceCommands.Removal(state, service)), .. NetworkCommands.Leave(state, command.Name, []),
                new Change.StackRemoved(command.Name),
            ],
            new CommandResults.ServicesChanged([.. services.Select(ServiceCommands.Removed)]));
    }

    // A stack's services are those that carry its label, whoever put it there: Docker's own tools know no other bond.
    private static List<Service> ServicesOf(ClusterState state, string stack) =>
        [.. state.Services.Values.Where(service => service.Stack == stack).OrderBy(service => service.Spec.Name, StringComparer.Ordinal)];

    private static List<Service> Orphans(ClusterState state, StackSpec spec)
    {
        var wanted = spec.Services.Select(service => service.Name).ToHashSet(StringComparer.Ordinal);
        return ServicesOf(state, spec.Name).FindAll(service => !wanted.Contains(service.Spec.Name));
    }

    private static StoreProtocol.Refused? Misfit(ClusterState state, string stack, ServiceSpec spec)
    {
        if (state.FindService(spec.Name) is not { } existing)
            return null;
        if (existing.Stack != stack)
        {
            var owner = existing.Stack is { } other ? $"belongs to stack '{other}'" : "belongs to no stack";
            return new StoreProtocol.Refused(RefusalReason.Exists,
                $"service '{spec.Name}' exists and {owner}; remove it (berth service rm {spec.Name}) or give this one another name");
        }
        return ServiceCommands.ModeProblem(existing, spec) is { } wrongMode
            ? new StoreProtocol.Refused(RefusalReason.Conflict, wrongMode)
            : null;
    }

    private static (Change? Change, ServiceOutcome Outcome, ImmutableArray<string> Problems) Put(
        ClusterState state, string stack, ServiceSpec spec, DateTimeOffset now, IdSource ids)
    {
        var labelled = spec with { Labels = spec.Labels.With(StackLabels.Namespace, stack) };
        if (state.FindService(spec.Name) is not { } existing)
        {
            var created = ServiceRevisions.Create(new ServiceId(ids.Next()), labelled, now);
            var given = Endpoints.Assign(state, created);
            return (new Change.ServicePut(created with { Endpoint = given.Endpoint }), new ServiceOutcome(created.Id, spec.Name, ServiceOutcomeKind.Created, false), given.Problems);
        }
        // A file knows nothing of forced updates; deploying it again must not undo one by replacing every task.
        var forced = Math.Max(labelled.Task.ForceUpdate, existing.Spec.Task.ForceUpdate);
        return ServiceCommands.Revise(state, existing, labelled with { Task = labelled.Task with { ForceUpdate = forced } }, now);
    }

    private static Stack StackAfter(ClusterState state, string name, bool isChanged, DateTimeOffset now, IdSource ids)
    {
        if (!state.Stacks.TryGetValue(name, out var stack))
            return new Stack { Id = new StackId(ids.Next()), Name = name, CreatedAt = now, UpdatedAt = now };
        return isChanged ? stack with { UpdatedAt = now } : stack;
    }
}
