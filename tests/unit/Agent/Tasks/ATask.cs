using Berth.Agent.Engine;
using Berth.Agent.Network;
using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Model.Networks;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Agent.Tasks;

/// <summary>Builds held tasks; only what matters to a test is named.</summary>
internal static class ATask
{
    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);

    public static TaskTemplate Template(ContainerSpec? container = null, Limits? limits = null) => new()
    {
        ServiceId = "svc",
        ServiceName = "web",
        Spec = new TaskSpec
        {
            Container = container ?? new ContainerSpec { Image = "web:1" },
            Resources = new ResourceRequirements { Limits = limits ?? new Limits() },
        },
    };

    public static TaskAssignment Assignment(uint id = 1, TaskState desired = TaskState.Running, TaskState known = TaskState.Assigned, TaskTemplate? template = null) =>
        new(new TaskId(id), 1, template ?? Template(), desired, known);

    public static HeldTask Held(
        TaskState state = TaskState.Accepted, TaskState desired = TaskState.Running, ContainerPhase phase = ContainerPhase.None, uint id = 1,
        TaskTemplate? template = null) => new()
        {
            Assignment = Assignment(id, desired, template: template),
            Status = new ServiceTaskStatus { State = state, Timestamp = Now, Message = "before", ContainerId = phase == ContainerPhase.None ? "" : "c" },
            Phase = phase,
        };

    /// <summary>Connections of an agent that was told of no network and makes no namespaces.</summary>
    public static TaskConnections Unconnected(EngineHealth health) =>
        new(new TaskNetworks(new Plane(), new NoNamespaces(), NullLogger.Instance, TimeProvider.System), health);

    private sealed class NoNamespaces : INamespaces
    {
        public Task MakeAsync(string name, IReadOnlyList<LocalEndpoint> endpoints, NodeNetworks networks) => throw new NotSupportedException("this test makes no namespaces");

        public Task RemoveAsync(IReadOnlyCollection<string> names) => throw new NotSupportedException("this test removes no namespaces");

        public Task<IReadOnlyList<string>> NamesAsync() => Task.FromResult<IReadOnlyList<string>>([]);
    }

    public static ContainerFacts Exited(int code, bool oom = false) => new() { Id = "c", Phase = ContainerPhase.Exited, ExitCode = code, OomKilled = oom };

    public static ContainerFacts Runs(ContainerHealth health = ContainerHealth.None, string probe = "") =>
        new() { Id = "c", Phase = ContainerPhase.Running, Pid = 7, Health = health, ProbeOutput = probe };
}
