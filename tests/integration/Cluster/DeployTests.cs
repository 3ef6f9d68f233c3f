namespace Berth.Tests.Integration.Cluster;

public sealed class DeployTests(LabFixture fixture) : ClusterTest(fixture)
{
    [SkippableFact]
    public async Task Deploying_the_same_file_again_replaces_no_task()
    {
        (await DeployAsync("same", Sleepers(6))).Succeeded();
        var before = await Containers.OfAsync(Lab, "same_web");

        var again = (await DeployAsync("same", Sleepers(6))).Succeeded();

        Assert.Equal(before, await Containers.OfAsync(Lab, "same_web"));
        Assert.Equal(6, (await TasksAsync("same_web")).Count);
        Assert.Contains("unchanged", again.Output + again.Error, StringComparison.OrdinalIgnoreCase);
    }

    [SkippableFact]
    public async Task Replicas_spread_over_all_hosts()
    {
        (await DeployAsync("spread", Sleepers(9))).Succeeded();

        var perHost = (await Containers.OfAsync(Lab, "spread_web")).CountBy(fact => fact.Host).ToDictionary();
        Assert.Equal([3, 3, 3], perHost.OrderBy(pair => pair.Key).Select(pair => pair.Value));
    }

    [SkippableFact]
    public async Task An_image_change_rolls_within_the_files_update_config()
    {
        const string update = "update_config: { parallelism: 2, order: stop-first, monitor: 500ms }";
        (await DeployAsync("roll", Sleepers(6, deploy: update))).Succeeded();

        var began = DateTimeOffset.UtcNow;
        (await DeployAsync("roll", Sleepers(6, "berth/busybox:2", update))).Succeeded();

        Assert.Equal(4, await Timeline.FewestAsync(Lab, "roll_web", began, runningThen: 6));
        var after = await Containers.OfAsync(Lab, "roll_web");
        Assert.All(after, fact => Assert.Equal("berth/busybox:2", fact.Image));
        Assert.Equal(6, after.Count);
    }

    [SkippableTheory]
    [InlineData("stop-first")]
    [InlineData("start-first")]
    public async Task A_broken_image_stops_the_update_while_every_old_replica_serves(string order)
    {
        var update = $"update_config: {{ parallelism: 2, order: {order}, monitor: 500ms }}";
        (await DeployAsync("broken", Sleepers(4, deploy: update))).Succeeded();
        var before = await Containers.OfAsync(Lab, "broken_web");

        var failed = await DeployAsync("broken", Sleepers(4, "registry.lab:5000/berth/nothing:1", update));

        Assert.Equal(1, failed.ExitCode);
        Assert.Equal(before, await Containers.OfAsync(Lab, "broken_web"));
        var reasons = (await TasksAsync("broken_web")).Select(task => task.GetProperty("Error").GetString()).Where(error => error is { Length: > 0 }).ToList();
        Assert.NotEmpty(reasons);
        Assert.All(reasons, reason => Assert.Contains("registry.lab:5000/berth/nothing:1", reason));
        Assert.Contains("paused", failed.Output + failed.Error, StringComparison.OrdinalIgnoreCase);
    }

    [SkippableFact]
    public async Task A_failed_update_with_rollback_returns_to_the_old_version_and_exits_non_zero()
    {
        const string update = "update_config: { parallelism: 1, order: start-first, monitor: 2s, failure_action: rollback }";
        (await DeployAsync("back", Sleepers(3, deploy: update))).Succeeded();

        var failed = await DeployAsync("back", Sleepers(3, "berth/crash:1", update).Replace("    command: [sleep, \"1000000\"]\n", ""));

        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("rolled back", failed.Output + failed.Error, StringComparison.OrdinalIgnoreCase);
        await RunsAsync("back_web", 3);
        Assert.All(await Containers.OfAsync(Lab, "back_web"), fact => Assert.Equal("berth/busybox:1", fact.Image));
        Assert.Contains(await TasksAsync("back_web"), task => task.GetProperty("Error").GetString()!.Contains("exit", StringComparison.OrdinalIgnoreCase));
    }

    [SkippableFact]
    public async Task A_person_rolls_back_an_update()
    {
        (await DeployAsync("hand", Sleepers(2, deploy: "update_config: { parallelism: 0, monitor: 200ms }"))).Succeeded();
        (await DeployAsync("hand", Sleepers(2, "berth/busybox:2", "update_config: { parallelism: 0, monitor: 200ms }"))).Succeeded();

        (await Berth("service", "rollback", "hand_web")).Succeeded();

        Assert.All(await Containers.OfAsync(Lab, "hand_web"), fact => Assert.Equal("berth/busybox:1", fact.Image));
    }

    [SkippableFact]
    public async Task Nodes_without_an_image_pull_it_from_the_registry()
    {
        await Lab.PushImageAsync("busybox-1", "berth/pulled:1");

        (await DeployAsync("pull", Sleepers(3, "registry.lab:5000/berth/pulled:1"))).Succeeded();

        var hosts = (await Containers.OfAsync(Lab, "pull_web")).Select(fact => fact.Host).ToHashSet();
        Assert.Equal(3, hosts.Count);
    }

    [SkippableFact]
    public async Task A_deploy_waits_until_slow_containers_are_healthy()
    {
        (await DeployAsync("slow", """
            services:
              web:
                image: berth/slow:1
                network_mode: none
                deploy: { replicas: 2, update_config: { monitor: 500ms } }
            """)).Succeeded();

        foreach (var fact in await Containers.OfAsync(Lab, "slow_web"))
        {
            var health = await Lab.ExecAsync(fact.Host, "docker", "inspect", "-f", "{{.State.Health.Status}}", fact.Id);
            Assert.Equal("healthy", health.Trim());
        }
    }

    [SkippableFact]
    public async Task A_crashing_service_says_why_and_is_not_restarted_in_a_storm()
    {
        var failed = await DeployAsync("crash", """
            services:
              web:
                image: berth/crash:1
                network_mode: none
                deploy: { replicas: 1, restart_policy: { delay: 1s } }
            """, "--timeout", "12s");

        Assert.Equal(4, failed.ExitCode);
        Assert.Contains("exit", failed.Output + failed.Error, StringComparison.OrdinalIgnoreCase);
        Assert.InRange((await TasksAsync("crash_web")).Count, 2, 6);
    }

    [SkippableFact]
    public async Task A_service_that_fits_nowhere_says_why()
    {
        var failed = await DeployAsync("nowhere", Sleepers(1, deploy: "placement: { constraints: [node.labels.zone==moon] }"), "--timeout", "3s");

        Assert.Equal(4, failed.ExitCode);
        Assert.Contains("constraints", failed.Output + failed.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("constraints", (await TasksAsync("nowhere_web"))[0].GetProperty("Error").GetString()!, StringComparison.OrdinalIgnoreCase);
    }

    [SkippableFact]
    public async Task Scaling_keeps_the_containers_that_stay()
    {
        (await DeployAsync("scale", Sleepers(3))).Succeeded();
        var before = await Containers.OfAsync(Lab, "scale_web");

        (await Berth("service", "scale", "scale_web=6")).Succeeded();
        var grown = await Containers.OfAsync(Lab, "scale_web");
        (await Berth("service", "scale", "scale_web=2")).Succeeded();
        await RunsAsync("scale_web", 2);

        Assert.Equal(6, grown.Count);
        Assert.Subset(grown.ToHashSet(), before.ToHashSet());
        Assert.Subset(grown.ToHashSet(), (await Containers.OfAsync(Lab, "scale_web")).ToHashSet());
    }

    [SkippableFact]
    public async Task Removing_a_stack_leaves_no_container_on_any_host()
    {
        (await DeployAsync("gone", Sleepers(6))).Succeeded();

        (await Berth("stack", "rm", "gone")).Succeeded();

        await Eventually.HoldsAsync(async () =>
        {
            var left = await Containers.AllAsync(Lab, runningOnly: false);
            return (left.Count == 0, string.Join(", ", left));
        });
    }

    [SkippableFact]
    public async Task A_container_that_ignores_SIGTERM_is_killed_after_its_grace_and_says_so()
    {
        (await DeployAsync("stubborn", """
            services:
              web:
                image: berth/stubborn:1
                network_mode: none
                stop_grace_period: 1s
            """)).Succeeded();

        (await Berth("service", "scale", "stubborn_web=0")).Succeeded();

        await RunsAsync("stubborn_web", 0);
    }

    [SkippableFact]
    public async Task A_global_service_runs_once_on_every_node()
    {
        (await DeployAsync("everywhere", Sleepers(1).Replace("replicas: 1", "mode: global"))).Succeeded();

        Assert.Equal([1, 2, 3], (await Containers.OfAsync(Lab, "everywhere_web")).Select(fact => fact.Host).Order());
    }
}
