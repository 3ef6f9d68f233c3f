using System.Text.Json;

namespace Berth.Tests.Integration.Cluster;

public sealed class NodeTests(LabFixture fixture) : ClusterTest(fixture)
{
    private const int Victim = 3;

    [SkippableTheory]
    [InlineData("kill", "start")]
    [InlineData("partition", "heal")]
    public async Task A_lost_node_is_replaced_elsewhere_and_comes_back_clean(string cut, string mend)
    {
        (await DeployAsync("loss", Sleepers(9))).Succeeded();
        var healthy = (await Containers.OfAsync(Lab, "loss_web")).Where(fact => fact.Host != Victim).ToHashSet();
        Assert.Equal(6, healthy.Count);

        await Lab.LabAsync(cut, Lab.HostName(Victim));
        await Eventually.HoldsAsync(async () =>
        {
            var elsewhere = (await OnOthersAsync()).Count;
            return (elsewhere == 9, $"{elsewhere} of 9 replicas run on the other hosts");
        });
        Assert.Equal("Down", await StatusAsync());
        Assert.Subset((await OnOthersAsync()).ToHashSet(), healthy);

        await Lab.LabAsync(mend, Lab.HostName(Victim));
        await Lab.RefreshAsync();
        await Eventually.HoldsAsync(async () => (await StatusAsync() == "Ready", await StatusAsync()));
        await RunsAsync("loss_web", 9);
        Assert.Empty(await Containers.OnAsync(Lab, Victim));
        Assert.Subset((await OnOthersAsync()).ToHashSet(), healthy);
    }

    [SkippableFact]
    public async Task Drain_empties_a_node_by_the_services_own_rules_and_says_when_it_is_done()
    {
        (await DeployAsync("drain", Sleepers(6, deploy: "update_config: { parallelism: 1, order: start-first, monitor: 200ms }"))).Succeeded();

        var began = DateTimeOffset.UtcNow;
        var drained = (await Berth("node", "update", "--availability", "drain", Lab.HostName(Victim))).Succeeded();

        Assert.Equal(6, await Timeline.FewestAsync(Lab, "drain_web", began, runningThen: 6));
        Assert.Empty(await Containers.OnAsync(Lab, Victim));
        await RunsAsync("drain_web", 6);
        Assert.Contains("empty", drained.Output + drained.Error, StringComparison.OrdinalIgnoreCase);
    }

    [SkippableFact]
    public async Task A_paused_node_keeps_its_tasks_and_gets_no_more()
    {
        (await DeployAsync("pause", Sleepers(3))).Succeeded();
        var kept = (await Containers.OnAsync(Lab, Victim)).ToList();
        (await Berth("node", "update", "--availability", "pause", Lab.HostName(Victim))).Succeeded();

        (await Berth("service", "scale", "pause_web=7")).Succeeded();

        Assert.Equal(kept, await Containers.OnAsync(Lab, Victim));
    }

    [SkippableFact]
    public async Task A_label_makes_a_node_fit_a_waiting_service()
    {
        (await DeployAsync("label", Sleepers(2, deploy: "placement: { constraints: [node.labels.disk==fast] }"), "--detach")).Succeeded();

        (await Berth("node", "update", "--label-add", "disk=fast", Lab.HostName(Victim))).Succeeded();

        await RunsAsync("label_web", 2);
        Assert.All(await Containers.OfAsync(Lab, "label_web"), fact => Assert.Equal(Victim, fact.Host));
        (await Berth("node", "update", "--label-rm", "disk", Lab.HostName(Victim))).Succeeded();
    }

    private async Task<IReadOnlyList<ContainerFact>> OnOthersAsync() =>
        [.. (await Containers.OnAsync(Lab, 1)).Concat(await Containers.OnAsync(Lab, 2))];

    private async Task<string> StatusAsync() =>
        (await Fixture.BerthJson("node", "ls")).EnumerateArray()
            .Single(node => node.GetProperty("Hostname").GetString() == Lab.HostName(Victim)).GetProperty("Status").GetString()!;
}
