using Berth.Protocol;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Agent;
using Berth.Tests.Integration.Manager;
using Berth.Tests.Integration.Members;
using ContainersListParameters = Docker.DotNet.Models.ContainersListParameters;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Releases;

/// <summary>Real managers and an agent of two neighbouring releases beside each other: one build, posing as both.</summary>
public sealed class SkewTests(TestEngine engine) : IClassFixture<TestEngine>
{
    private const int Old = ReleaseLevel.Newest;
    private const int New = ReleaseLevel.Newest + 1;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(180);

    [SkippableFact]
    public async Task Managers_and_agents_are_upgraded_one_by_one_and_containers_do_not_notice()
    {
        engine.Require();
        await using var one = await ClusterManager.FormAsync(1, Of(Old));
        await using var two = await ClusterManager.JoinAsync(2, [one], Of(Old));
        await WholeAsync(one, two);
        await using var three = await ClusterManager.JoinAsync(3, [one, two], Of(Old));
        ClusterManager[] all = [one, two, three];
        await WholeAsync(all);
        Assert.Equal((Old, Old), await LevelsAsync(one));
        using var agent = new TestAgent(engine.Socket, null, Path.Combine(engine.Directory, "skew"));
        agent.Environment[ReleaseLevel.TestVariable] = $"{Old}";
        await JoinAsync(agent, one);
        var service = await one.Process.Client.CreateServiceAsync(new CreateServiceRequest { Spec = Runs() });
        var container = await RunningAsync(all);

        // The leader last: only one change of leaders.
        foreach (var manager in new[] { three, two, one })
        {
            Assert.All(await Task.WhenAll(all.Select(LevelsAsync)), levels => Assert.Equal(Old, levels.State));
            await manager.Process.StopAsync();
            manager.Process.Variables[ReleaseLevel.TestVariable] = $"{New}";
            await manager.Process.StartAsync();
            await WholeAsync(all);
            // What is written meanwhile is read by both.
            await WriteAsync(all, service.Service.Id, $"upgraded-{manager.Node}");
            Assert.Equal(container, await RunningAsync(all));
        }
        await Eventually.HoldsAsync(async () => ((await Task.WhenAll(all.Select(LevelsAsync))).All(levels => levels == (New, New)), one.Process.Said), Deadline);
        agent.Kill();
        agent.Environment[ReleaseLevel.TestVariable] = $"{New}";
        agent.Start();
        Assert.Equal(container, await RunningAsync(all));

        // There is no way back to a release that cannot read what is written from now on.
        await two.Process.StopAsync();
        two.Process.Variables[ReleaseLevel.TestVariable] = $"{Old}";
        two.Process.Begin();
        Assert.Equal(1, await two.Process.ExitedAsync());
        Assert.Contains($"state is of release level {New}, and this berth-manager reads up to level {Old}", two.Process.Said, StringComparison.Ordinal);
        Assert.Contains("backup", two.Process.Said, StringComparison.Ordinal);
        Assert.Equal(container, await RunningAsync(one, three));

        // Two releases apart nobody speaks to anybody, and says why; the container goes on.
        agent.Kill();
        agent.Environment[ReleaseLevel.TestVariable] = $"{New - 2}";
        agent.Start();
        await Eventually.HoldsAsync(() => Task.FromResult((agent.Log.ToString().Contains("only neighbouring releases speak to each other; upgrade the agent", StringComparison.Ordinal), agent.Log.ToString())), Deadline);
        Assert.Single(await engine.Client.Containers.ListContainersAsync(new ContainersListParameters()));
    }

    private static (string, string) Of(int level) => (ReleaseLevel.TestVariable, $"{level}");

    private static ServiceSpec Runs() => new()
    {
        Name = "web",
        Replicated = new ReplicatedMode { Replicas = 1 },
        Task = new TaskSpec { Container = new ContainerSpec { Image = "box:1", Args = { "sleep", "1000000" } }, Network = NetworkMode.Host },
    };

    private static async Task JoinAsync(TestAgent agent, ClusterManager manager)
    {
        Directory.CreateDirectory(agent.Data);
        var token = await manager.Admin.GetJoinTokenAsync(new GetJoinTokenRequest { Role = NodeRole.Worker });
        await File.WriteAllTextAsync(Path.Combine(agent.Data, "join.json"), $$"""{"token":"{{token.Token}}","managers":["{{manager.Url}}"],"address":"127.0.0.1"}""");
        agent.Start();
    }

    // The one container there is, with when it started, once the managers say that its task runs.
    private async Task<string> RunningAsync(params ClusterManager[] managers)
    {
        var seen = "";
        await Eventually.HoldsAsync(async () =>
        {
            var containers = await engine.Client.Containers.ListContainersAsync(new ContainersListParameters());
            seen = string.Join("; ", containers.Select(container => $"{container.ID} {container.Created:O}"));
            var infos = await Task.WhenAll(managers.Select(manager => manager.Process.Client.GetInfoAsync(new GetInfoRequest(), deadline: CallDeadline.In(5)).ResponseAsync));
            return (containers.Count == 1 && infos.All(info => info.TasksRunning == 1), $"{seen}; {string.Join(", ", infos.Select(info => info.TasksRunning))}");
        }, Deadline);
        return seen;
    }

    private static async Task<(int Own, int State)> LevelsAsync(ClusterManager manager)
    {
        var info = await manager.Process.Client.GetInfoAsync(new GetInfoRequest(), deadline: CallDeadline.In(20));
        return (info.Level, info.StateLevel);
    }

    private static async Task WriteAsync(ClusterManager[] managers, string service, string value) =>
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                var spec = (await managers[0].Process.Client.GetServiceAsync(new GetServiceRequest { Service = service }, deadline: CallDeadline.In(5))).Service.Spec;
                spec.Labels["written"] = value;
                await managers[^1].Process.Client.UpdateServiceAsync(new UpdateServiceRequest { Id = service, Spec = spec }, deadline: CallDeadline.In(10));
                return (true, "");
            }
            catch (Grpc.Core.RpcException error)
            {
                return (false, error.Status.ToString());
            }
        }, Deadline);

    private static async Task WholeAsync(params ClusterManager[] managers) =>
        await Eventually.HoldsAsync(async () =>
        {
            var seen = "";
            foreach (var manager in managers)
            {
                // As its supervisor does after the store moved, or the lead was lost.
                if (!manager.Process.IsRunning)
                    manager.Process.Begin();
                try
                {
                    var status = await manager.Admin.GetClusterAsync(new GetClusterRequest(), deadline: CallDeadline.In(5));
                    if (status.Managers.Count != managers.Length || !status.Managers.Any(one => one.Leader) || status.Managers.Any(one => one.StoreMember != "started" || one.Reachability == "unreachable"))
                        seen = $"{manager.Node}: {status}";
                }
                catch (Grpc.Core.RpcException error)
                {
                    seen = $"{manager.Node}: {error.Status}\n{manager.Process.Said}";
                }
            }
            return (seen.Length == 0, seen);
        }, Deadline);
}
