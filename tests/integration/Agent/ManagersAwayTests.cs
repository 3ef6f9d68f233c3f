using Berth.Protocol.V1;
using Berth.Tests.Integration.Manager;
using Docker.DotNet.Models;
using Grpc.Core;
using ContainerSpec = Berth.Protocol.V1.ContainerSpec;
using RestartPolicy = Berth.Protocol.V1.RestartPolicy;
using Task = System.Threading.Tasks.Task;
using TaskState = Berth.Protocol.V1.TaskState;

namespace Berth.Tests.Integration.Agent;

/// <summary>The real agent and the real manager, and what happens while the manager is away.</summary>
public sealed class ManagersAwayTests(TestEngine engine) : IClassFixture<TestEngine>
{
    [SkippableFact]
    public async Task What_ended_meanwhile_was_followed_and_is_taken_over_and_nothing_restarts_again()
    {
        engine.Require();
        await using var manager = await ManagerProcess.StartNewAsync();
        using var agent = new TestAgent(engine.Socket, manager.Socket, Path.Combine(engine.Directory, "away"));
        agent.Start();
        await manager.Client.CreateServiceAsync(new CreateServiceRequest
        {
            Spec = Specs.Service("web", spec =>
            {
                spec.Replicated.Replicas = 3;
                spec.Task.Network = NetworkMode.Host;
                spec.Task.Container = new ContainerSpec { Image = "box:1", Command = { "/bin/sh", "-c" }, Args = { "trap 'exit 0' TERM; while :; do sleep 0.1; done" } };
                spec.Task.Restart = new RestartPolicy { DelayNs = 1_000_000_000 };
            }),
        });
        await UntilAsync("three run", agent, manager, tasks => tasks.Count(Runs) == 3);
        var before = await RunningAsync();

        await manager.KillAsync();
        await engine.Client.Containers.KillContainerAsync(before[0].ID!, new ContainerKillParameters { Signal = "SIGKILL" });
        await Wait.UntilAsync("another attempt runs", async () => (await RunningAsync()).Count == 3, () => agent.Log.ToString());
        var away = await RunningAsync();
        await manager.StartAsync();

        var ended = before[0].Labels!["com.docker.swarm.task.id"];
        var follower = away.Single(container => before.All(was => was.ID != container.ID)).Labels!["com.docker.swarm.task.id"];
        await UntilAsync("the attempt is the cluster's", agent, manager, tasks =>
            tasks.Any(task => task.Id == follower && Runs(task)) && tasks.Any(task => task.Id == ended && task.Status.State == TaskState.Failed) && tasks.Count(Runs) == 3);
        // Longer than the manager would wait before it answered the end by a restart of its own.
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.Equal(away.Select(container => (container.ID, container.Created)).Order(), (await RunningAsync()).Select(container => (container.ID, container.Created)).Order());
        Assert.Equal(4, (await TasksAsync(manager)).Count);
    }

    private static bool Runs(Protocol.V1.Task task) => task is { Status.State: TaskState.Running, DesiredState: TaskState.Running };

    private static async Task UntilAsync(string what, TestAgent agent, ManagerProcess manager, Func<List<Protocol.V1.Task>, bool> holds)
    {
        List<Protocol.V1.Task> seen = [];
        await Wait.UntilAsync(what, async () => holds(seen = await TasksAsync(manager)), () => $"{string.Join('\n', seen)}\n{agent.Log}\n{manager.Said}");
    }

    private static async Task<List<Protocol.V1.Task>> TasksAsync(ManagerProcess manager)
    {
        using var call = manager.Client.ListTasks(new ListTasksRequest());
        var tasks = new List<Protocol.V1.Task>();
        await foreach (var row in call.ResponseStream.ReadAllAsync())
            tasks.Add(row.Task);
        return tasks;
    }

    private async Task<List<ContainerListResponse>> RunningAsync() =>
        [.. (await engine.Client.Containers.ListContainersAsync(new ContainersListParameters())).Where(container => container.Labels!.ContainsKey("berth.node"))];
}
