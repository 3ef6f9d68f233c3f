using Berth.Agent.Engine;
using Berth.Agent.Network;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Tasks;

/// <summary>Connects tasks' containers to networks of the cluster; what is in none is left to the engine.</summary>
public sealed class TaskConnections(TaskNetworks networks, EngineHealth health)
{
    /// <summary>The engine's runtime that puts a container into the agent's namespace.</summary>
    public const string Runtime = "berth";

    // As many characters as the engine's own: the last ones of an id differ most.
    private const int HostnameLength = 12;

    /// <summary>Chooses addresses for a task's container; none when it is in no network.</summary>
    /// <exception cref="EngineException">This host cannot have it.</exception>
    public async Task<ValueList<TaskAddress>> ReserveAsync(HeldTask task, Action<string> say, CancellationToken giveUp)
    {
        var attachments = task.Assignment.Template.Spec.Networks;
        if (attachments.IsEmpty)
            return [];
        if (Problem(health.Facts) is { } problem)
            throw new EngineException(EngineFault.Refused, problem);
        var wishes = attachments.Select(attachment => new NetworkWish(Id(attachment), attachment.Address)).ToList();
        return await networks.ReserveAsync(task.Id, wishes, say, giveUp).ConfigureAwait(false);
    }

    /// <summary>Why containers of this engine cannot be in networks of the cluster, and what to do; null when they can.</summary>
    public static string? Problem(EngineFacts? engine) => engine?.Runtimes.Contains(Runtime) ?? false
        ? null
        : $"the engine has no runtime '{Runtime}', which puts containers into networks of the cluster; add it to /etc/docker/daemon.json and reload the engine (docs/install.md)";

    /// <summary>What to create, for a container with these addresses.</summary>
    public static ContainerRequest Connect(ContainerRequest request, TaskId task, ValueList<TaskAddress> addresses) => addresses.IsEmpty ? request : request with
    {
        Labels = new Dictionary<string, string>(request.Labels) { [TaskLabels.Addresses] = TaskLabels.Format(addresses) },
        Networking = new ContainerNetworking(Runtime, task.ToString()[^HostnameLength..], addresses[0].Address, HostPlan.Resolver),
    };

    /// <summary>Makes what the container needs to be started.</summary>
    /// <exception cref="EngineException">It cannot be made.</exception>
    public async Task AttachAsync(HeldTask task)
    {
        if (task.Status.Addresses.IsEmpty)
            return;
        try
        {
            await networks.AttachAsync(Container(task)).ConfigureAwait(false);
        }
        catch (IOException refused)
        {
            throw new EngineException(EngineFault.Refused, $"connect the container to its networks: {refused.Message}", refused);
        }
    }

    /// <summary>Takes in what came of a step.</summary>
    public async Task AfterAsync(HeldTask task, TaskStep step, StepOutcome outcome)
    {
        if (task.Assignment.Template.Spec.Networks.IsEmpty)
            return;
        if (outcome is StepOutcome.Created created)
            networks.Created(task.Id, created.Container);
        else if (IsOver(step, outcome))
            await networks.ReleaseAsync(task.Id).ConfigureAwait(false);
    }

    /// <summary>A container that belonged to no task is deleted.</summary>
    public Task RemovedAsync(string container) => networks.ReleaseAsync(container);

    /// <summary>Takes in what the engine has.</summary>
    /// <param name="containers">All of this node.</param>
    /// <param name="tasks">Tasks held, by id.</param>
    /// <param name="asOf">Timestamp from before the list was asked for.</param>
    /// <returns>Completes when what is no more was removed.</returns>
    public Task ListedAsync(IEnumerable<ListedContainer> containers, Func<TaskId, HeldTask?> tasks, long asOf)
    {
        var living = new List<NetworkedContainer>();
        foreach (var container in containers.Where(container => container.Phase is ContainerPhase.Created or ContainerPhase.Running))
        {
            var addresses = TaskLabels.ReadAddresses(container.Labels);
            if (!addresses.IsEmpty && TaskId.TryParse(container.Labels.GetValueOrDefault(TaskLabels.Task), out var task))
                living.Add(new NetworkedContainer(task, container.Id, addresses, tasks(task)?.Assignment.Template.Spec.Ports ?? []));
        }
        networks.Adopt(living, asOf);
        return networks.SweepAsync(living, asOf);
    }

    /// <summary>Takes over what an earlier run of the agent held.</summary>
    public Task RestoreAsync(IEnumerable<HeldTask> tasks) => networks.RestoreAsync(
        [.. tasks.Where(task => !task.State.IsTerminal() && task.ContainerId.Length > 0 && !task.Status.Addresses.IsEmpty).Select(Container)]);

    private static NetworkedContainer Container(HeldTask task) =>
        new(task.Id, task.ContainerId, task.Status.Addresses, task.Assignment.Template.Spec.Ports);

    private static NetworkId Id(NetworkAttachment attachment) => NetworkId.TryParse(attachment.Target, out var id)
        ? id
        : throw new EngineException(EngineFault.Refused, $"'{attachment.Target}' is not the id of a network");

    // A container that broke off with the engine may be there all the same: the next list says.
    private static bool IsOver(TaskStep step, StepOutcome outcome) => (step, outcome) switch
    {
        (TaskStep.Prepare, _) => true,
        (TaskStep.Start, StepOutcome.Failed { Fault: not EngineFault.Unavailable }) => true,
        (_, StepOutcome.Inspected { Facts: null or { Phase: ContainerPhase.Exited } }) => true,
        (_, StepOutcome.Stopped { Facts: null or { Phase: ContainerPhase.Exited } }) => true,
        (_, StepOutcome.Removed) => true,
        _ => false,
    };
}
