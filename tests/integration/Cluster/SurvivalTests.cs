namespace Berth.Tests.Integration.Cluster;

/// <summary>Killing what manages containers never touches the containers.</summary>
public sealed class SurvivalTests(LabFixture fixture) : ClusterTest(fixture)
{
    [SkippableFact]
    public async Task A_killed_manager_comes_back_with_all_it_acknowledged_and_restarts_nothing()
    {
        (await DeployAsync("keep", Sleepers(30))).Succeeded();
        var before = await Containers.AllAsync(Lab);
        (await DeployAsync("acknowledged", Sleepers(1), "--detach")).Succeeded();

        await KillAsync(1, "manager_pid");

        await AnswersAsync();
        await RunsAsync("acknowledged_web", 1);
        await SettledAsync("keep_web", 30);
        Assert.Equal(before, await Containers.OfAsync(Lab, "keep_web"));
        Assert.Equal(["acknowledged", "keep"], (await Fixture.BerthJson("stack", "ls")).EnumerateArray().Select(stack => stack.GetProperty("Name").GetString()).Order());
    }

    [SkippableFact]
    public async Task A_killed_agent_adopts_its_containers()
    {
        (await DeployAsync("agent", Sleepers(12))).Succeeded();
        var before = await Containers.AllAsync(Lab);

        for (var host = 1; host <= Lab.Hosts; host++)
            await KillAsync(host, "agent_pid");

        await SettledAsync("agent_web", 12);
        Assert.Equal(before, await Containers.AllAsync(Lab));
    }

    [SkippableFact]
    public async Task A_killed_engine_with_live_restore_keeps_its_containers()
    {
        (await DeployAsync("engine", Sleepers(9))).Succeeded();
        var before = await Containers.AllAsync(Lab);

        await Lab.LabAsync("engine", Lab.HostName(2), "kill");
        await Lab.LabAsync("engine", Lab.HostName(2), "start");

        await SettledAsync("engine_web", 9);
        Assert.Equal(before, await Containers.AllAsync(Lab));
    }

    [SkippableFact]
    public async Task Containers_that_die_while_the_engine_is_down_are_replaced()
    {
        (await DeployAsync("died", Sleepers(3, deploy: "restart_policy: { delay: 0s }"))).Succeeded();
        var victim = Assert.Single(await Containers.OnAsync(Lab, 2));

        var pid = (await Lab.ExecAsync(2, "docker", "inspect", "-f", "{{.State.Pid}}", victim.Id)).Trim();
        await Lab.LabAsync("engine", Lab.HostName(2), "kill");
        await Lab.ExecAsync(2, "kill", "-9", pid);
        await Lab.LabAsync("engine", Lab.HostName(2), "start");

        await RunsAsync("died_web", 3);
        Assert.DoesNotContain(await Containers.AllAsync(Lab), fact => fact.Id == victim.Id);
    }

    [SkippableFact]
    public async Task With_the_manager_down_containers_run_on_and_their_end_is_reported_later()
    {
        (await DeployAsync("away", Sleepers(3, deploy: "restart_policy: { delay: 0s }"))).Succeeded();
        var before = await Containers.AllAsync(Lab);

        await Lab.LabAsync("manager", Lab.HostName(1), "stop");
        var victim = before.Single(fact => fact.Host == 3);
        await Lab.ExecAsync(3, "docker", "kill", victim.Id);
        Assert.Equal(3, (await Berth("service", "ls")).ExitCode);
        await Lab.LabAsync("manager", Lab.HostName(1), "start");

        await AnswersAsync();
        await RunsAsync("away_web", 3);
        Assert.Subset((await Containers.AllAsync(Lab)).ToHashSet(), before.Where(fact => fact != victim).ToHashSet());
        // The agent replaced it by itself; the manager learns of it once the agent is back.
        await Eventually.HoldsAsync(async () =>
        {
            var tasks = await TasksAsync("away_web");
            return (tasks.Any(task => task.GetProperty("Error").GetString()!.Contains("137", StringComparison.Ordinal)), string.Join(", ", tasks));
        });
    }

    private async Task KillAsync(int host, string process)
    {
        await Lab.RefreshAsync();
        var pid = Lab.Pid(host, process) ?? throw new InvalidOperationException($"{process} of {Lab.HostName(host)} does not run");
        (await BerthProgram.RunToolAsync("kill", ["-9", pid.ToString()])).Succeeded();
    }

    private Task AnswersAsync() => Eventually.HoldsAsync(async () =>
    {
        var answer = await Berth("node", "ls");
        return (answer.ExitCode == 0, answer.Output + answer.Error);
    });

    // The manager counts only what agents have told it: all replicas up means that every agent is back.
    private Task SettledAsync(string service, int replicas) => Eventually.HoldsAsync(async () =>
    {
        var listed = await Berth("service", "ls", "--format", "json");
        return (listed.ExitCode == 0 && listed.Json().EnumerateArray().Any(row =>
            row.GetProperty("Name").GetString() == service && row.GetProperty("Replicas").GetString() == $"{replicas}/{replicas}"), listed.Output + listed.Error);
    });
}
