using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Berth.Tests.Integration.Cluster;
using Xunit.Abstractions;

namespace Berth.Tests.Integration.Managers;

/// <summary>Managers come, go and are lost, one after the other: no acknowledged write is, and no container notices.</summary>
public sealed class ManagersTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Replicas = 6;
    private static readonly int[] All = [1, 2, 3];

    private readonly string _folder = Directory.CreateTempSubdirectory("berth-managers-").FullName;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private ManagersLab? _lab;
    private IReadOnlyList<ContainerFact> _kept = [];

    private ManagersLab Managers => _lab ?? throw new InvalidOperationException("the lab is not up");

    private TestLab Lab => Managers.Lab;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        if (_lab is not null)
            await _lab.DisposeAsync();
    }

    // One test, because the lab costs more than most that happens in it, and each part begins where the one before has ended.
    [SkippableFact]
    public async Task Managers_come_and_go_and_are_lost_and_neither_writes_nor_containers_are()
    {
        _lab = await ManagersLab.UpAsync();
        await DeployAsync("keep", Replicas, "command: [sh, -c, 'while :; do date +%s; sleep 1; done']", "restart_policy: { delay: 0s }");
        _kept = await Managers.ContainersAsync("keep_web");
        Assert.Equal(Replicas, _kept.Count);
        Said("the lab is up");

        await One_manager_grows_to_three_and_its_state_moves_into_etcd();
        await A_leader_without_power_is_followed_by_another_and_comes_back_as_a_standby();
        await A_leader_that_was_stopped_acknowledges_nothing_of_its_term_and_ends();
        await A_rollout_goes_on_where_it_was_when_its_leader_is_lost();
        await Without_any_manager_everything_goes_on_and_nothing_restarts_on_return();
        await The_majority_cannot_be_demoted_by_mistake();
        await Three_managers_shrink_to_one_and_grow_again();
        await A_manager_leaves_is_forgotten_and_its_host_joins_anew();
    }

    private async Task One_manager_grows_to_three_and_its_state_moves_into_etcd()
    {
        var one = await Managers.StatusAsync();
        Assert.Contains("Store: sqlite", one, StringComparison.Ordinal);
        Assert.Contains("one manager: while it is down nothing can be changed", one, StringComparison.Ordinal);

        await using var load = SteadyLoad.Start(Managers, "grow");
        (await Lab.Berth("node", "promote", Lab.HostName(2))).Succeeded();
        Assert.Contains("2 managers survive the loss of 0, as 1 would", await Managers.StatusAsync(), StringComparison.Ordinal);
        (await Lab.Berth("node", "promote", Lab.HostName(3))).Succeeded();
        await Managers.SettledAsync(All);
        Said(await load.EndAsync(All));

        var three = await Managers.StatusAsync();
        Assert.Contains("Store: etcd", three, StringComparison.Ordinal);
        Assert.DoesNotContain("note:", three, StringComparison.Ordinal);
        Assert.Equal(_kept, await Managers.ContainersAsync("keep_web"));
    }

    private async Task A_leader_without_power_is_followed_by_another_and_comes_back_as_a_standby()
    {
        var leader = await Managers.LeaderAsync();
        int[] others = [.. All.Where(host => host != leader)];
        await using (var load = SteadyLoad.Start(Managers, "power"))
        {
            await Lab.LabAsync("kill", Lab.HostName(leader));
            await Managers.WriteAsync("after-power-loss");
            Assert.NotEqual(leader, await Managers.LeaderAsync());
            Said(await load.EndAsync(others));
        }
        await Eventually.HoldsAsync(async () => (await Managers.StatusAsync() is var status && status.Contains("Unreachable", StringComparison.Ordinal)
            && status.Contains($"'{Lab.HostName(leader)}' does not answer: 0 more may be lost before nothing can be changed", StringComparison.Ordinal), status));

        await Lab.LabAsync("start", Lab.HostName(leader));
        await Managers.SettledAsync(All);
        Assert.Contains("after-power-loss", await Managers.LabelsAsync(leader));
        Assert.NotEqual(leader, await Managers.LeaderAsync());
        Assert.Equal(_kept, await Managers.ContainersAsync("keep_web"));
    }

    private async Task A_leader_that_was_stopped_acknowledges_nothing_of_its_term_and_ends()
    {
        var leader = await Managers.LeaderAsync();
        int[] others = [.. All.Where(host => host != leader)];
        var log = Managers.Log(leader).Length;
        Task<CommandResult> late;
        await using (var load = SteadyLoad.Start(Managers, "stopped"))
        {
            await Lab.LabAsync("manager", Lab.HostName(leader), "pause");
            // What reaches it now is answered, if ever, by a process that believes for an instant that it leads.
            late = Managers.AskAsync(leader, "node", "update", "--label-add", "late=1", Managers.WorkerName);
            await Managers.WriteAsync("while-stopped");
            Assert.NotEqual(leader, await Managers.LeaderAsync());
            await Lab.LabAsync("manager", Lab.HostName(leader), "resume");
            // Asked itself at once: refused, passed on, or answered as a standby; whatever it acknowledges is in the one history.
            var resumed = await Managers.AskAsync(leader, "node", "update", "--label-add", "resumed=1", Managers.WorkerName);
            await Managers.SettledAsync(All);
            Said(await load.EndAsync(All));
            foreach (var host in All)
            {
                var labels = await Managers.LabelsAsync(host);
                Assert.Contains("while-stopped", labels);
                Assert.True(resumed.ExitCode != 0 || labels.Contains("resumed"), $"{Lab.HostName(host)} lacks what the resumed leader acknowledged");
                Assert.True((await late).ExitCode != 0 || labels.Contains("late"), $"{Lab.HostName(host)} lacks what the stopped leader acknowledged");
            }
        }
        var said = Managers.LogSince(leader, log);
        Assert.Contains("this manager no longer leads", said, StringComparison.Ordinal);
        Assert.Contains("manager ended with status 75", said, StringComparison.Ordinal);
        Assert.NotEqual(leader, await Managers.LeaderAsync());
        Assert.Equal(_kept, await Managers.ContainersAsync("keep_web"));
    }

    private async Task A_rollout_goes_on_where_it_was_when_its_leader_is_lost()
    {
        const int Slots = 4;
        var delay = TimeSpan.FromSeconds(4);
        var rollout = $"update_config: {{ parallelism: 1, delay: {delay.TotalSeconds}s, monitor: 200ms, order: stop-first }}";
        await DeployAsync("roll", Slots, "command: [sleep, '1000000']", rollout);
        var leader = await Managers.LeaderAsync();

        var updating = Lab.Berth("service", "update", "--image", "berth/busybox:2", "roll_web");
        await Eventually.HoldsAsync(async () => ((await OfNewImageAsync()).Count >= 1, "no task was updated yet"));
        await Lab.LabAsync("manager", Lab.HostName(leader), "kill", "--hold");
        Assert.InRange((await OfNewImageAsync()).Count, 1, Slots - 1);
        (await updating).Succeeded();
        await Lab.LabAsync("manager", Lab.HostName(leader), "start");

        var updated = await OfNewImageAsync();
        Assert.Equal(Slots, updated.Select(fact => fact.Task).Distinct().Count());
        var starts = updated.Select(fact => DateTimeOffset.Parse(fact.StartedAt, CultureInfo.InvariantCulture)).Order().ToList();
        // Engines and managers share one clock here; what is taken off is how long the task before took to be seen running.
        Assert.All(starts.Zip(starts.Skip(1), (one, next) => next - one), between => Assert.True(between > delay - TimeSpan.FromSeconds(1), $"{between} between two updates"));
        var tasks = (await Lab.BerthJson("service", "ps", "--no-trunc", "roll_web")).EnumerateArray().GroupBy(task => task.GetProperty("Name").GetString()!.TrimStart(' ', '\\', '_')).ToList();
        Assert.Equal(Slots, tasks.Count);
        Assert.All(tasks, slot => Assert.True(slot.Count() == 2, $"{slot.Key} had {slot.Count()} tasks: {string.Join(", ", slot)}"));
        (await Lab.Berth("stack", "rm", "roll")).Succeeded();
        await Managers.SettledAsync(All);
        Assert.Equal(_kept, await Managers.ContainersAsync("keep_web"));
        Said("a rollout went on after its leader was killed");

        async Task<IReadOnlyList<ContainerFact>> OfNewImageAsync() => [.. (await Managers.ContainersAsync("roll_web")).Where(fact => fact.Image == "berth/busybox:2")];
    }

    // BERTH_TEST_MANAGERS_AWAY: for how many seconds.
    private async Task Without_any_manager_everything_goes_on_and_nothing_restarts_on_return()
    {
        var away = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("BERTH_TEST_MANAGERS_AWAY") ?? "40", CultureInfo.InvariantCulture));
        foreach (var host in All)
            await Lab.LabAsync("manager", Lab.HostName(host), "stop");
        var begun = Stopwatch.StartNew();
        Assert.Equal(3, (await Lab.Berth("node", "ls")).ExitCode);
        var victim = _kept[0];
        await Lab.ExecAsync(victim.Host, "docker", "kill", victim.Id);
        await Eventually.HoldsAsync(async () => (await Managers.ContainersAsync("keep_web") is var running && running.Count == Replicas, $"{running.Count} of {Replicas} run without managers"));
        var alone = await Managers.ContainersAsync("keep_web");
        Assert.Subset(alone.ToHashSet(), _kept.Skip(1).ToHashSet());
        if (away - begun.Elapsed is var rest && rest > TimeSpan.Zero)
            await Task.Delay(rest);
        foreach (var fact in alone)
            Assert.NotEmpty(await Lab.ExecAsync(fact.Host, "docker", "logs", "--since", "10s", fact.Id));
        Assert.Equal(alone, await Managers.ContainersAsync("keep_web"));

        foreach (var host in All)
            await Lab.LabAsync("manager", Lab.HostName(host), "start");
        await Managers.SettledAsync(All);
        await Managers.WriteAsync("after-return");
        Assert.Equal(alone, await Managers.ContainersAsync("keep_web"));
        // The agent restarted it by itself; managers learn of it once the agent is back.
        await Eventually.HoldsAsync(async () =>
        {
            var tasks = await Lab.BerthJson("service", "ps", "--no-trunc", "keep_web");
            return (tasks.EnumerateArray().Any(task => task.GetProperty("Error").GetString()!.Contains("137", StringComparison.Ordinal)), tasks.ToString());
        });
        _kept = alone;
        Said($"no manager for {begun.Elapsed.TotalSeconds:0} s");
    }

    private async Task The_majority_cannot_be_demoted_by_mistake()
    {
        var leader = await Managers.LeaderAsync();
        var (lost, left) = (All.First(host => host != leader), All.Last(host => host != leader));
        await Lab.LabAsync("manager", Lab.HostName(lost), "stop");
        await Lab.LabAsync("etcd", Lab.HostName(lost), "stop");
        await Eventually.HoldsAsync(async () => (await Managers.StatusAsync() is var status && status.Contains("does not answer: 0 more may be lost", StringComparison.Ordinal), status));

        var refused = await Lab.Berth("node", "demote", Lab.HostName(left));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"without '{Lab.HostName(left)}' 1 of 2 managers would answer, and 2 are needed", refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await Lab.Berth("node", "rm", Lab.HostName(left))).ExitCode);
        await Managers.WriteAsync("still-a-majority");

        await Lab.LabAsync("etcd", Lab.HostName(lost), "start");
        await Lab.LabAsync("manager", Lab.HostName(lost), "start");
        await Managers.SettledAsync(All);
        Said("a majority was not demoted");
    }

    private async Task Three_managers_shrink_to_one_and_grow_again()
    {
        var leader = await Managers.LeaderAsync();
        int[] others = [.. All.Where(host => host != leader)];
        await using (var load = SteadyLoad.Start(Managers, "shrink"))
        {
            // The leader itself is demoted too: who is left is a standby of now.
            (await Lab.Berth("node", "demote", Lab.HostName(others[0]))).Succeeded();
            // Should it lose the lead on the way (a machine that is busy beyond measure), it is asked again.
            await Eventually.HoldsAsync(async () => (await Lab.Berth("node", "demote", Lab.HostName(leader)) is var demoted && demoted.ExitCode == 0, demoted.Error));
            await Managers.SettledAsync(others[1]);
            foreach (var options in new string[][] { [], ["--force"] })
            {
                var last = await Lab.Berth(["node", "demote", .. options, Lab.HostName(others[1])]);
                Assert.Equal(1, last.ExitCode);
                Assert.Contains("is the only manager", last.Error, StringComparison.Ordinal);
            }
            Said(await load.EndAsync(others[1]));
        }
        await using (var load = SteadyLoad.Start(Managers, "grown"))
        {
            (await Lab.Berth("node", "promote", Lab.HostName(leader), Lab.HostName(others[0]))).Succeeded();
            await Managers.SettledAsync(All);
            Said(await load.EndAsync(All));
        }
        Assert.Equal(_kept, await Managers.ContainersAsync("keep_web"));
    }

    private async Task A_manager_leaves_is_forgotten_and_its_host_joins_anew()
    {
        var leader = await Managers.LeaderAsync();
        var (leaving, left) = (All.First(host => host != leader), All.Where(host => host != All.First(other => other != leader)).ToArray());
        var known = (await Managers.StatusAsync()).Split('\n').Single(line => line.Contains(Lab.HostName(leaving), StringComparison.Ordinal)).Split(' ')[0];

        var refused = await Managers.OnAsync(leaving, "cluster", "leave");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"berth node demote {Lab.HostName(leaving)}", refused.Error, StringComparison.Ordinal);
        Assert.Contains("Node left the cluster.", (await Managers.OnAsync(leaving, "cluster", "leave", "--force")).Succeeded().Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Lab.HostName(leaving), await Managers.StatusAsync(), StringComparison.Ordinal);
        await Eventually.HoldsAsync(async () => (await Lab.Berth("node", "rm", known) is var removed && removed.ExitCode == 0, removed.Error));
        Assert.DoesNotContain(known, (await Lab.Berth("node", "ls", "-q")).Succeeded().Output, StringComparison.Ordinal);

        var token = (await Lab.Berth("cluster", "token", "--quiet", "manager")).Succeeded().Output.Trim();
        (await Managers.OnAsync(leaving, ["cluster", "join", token, Lab.Address(left[0])])).Succeeded();
        await Managers.SettledAsync(All);
        Assert.DoesNotContain(known, await Managers.StatusAsync(), StringComparison.Ordinal);
        Assert.Equal(_kept, await Managers.ContainersAsync("keep_web"));
        Said("a manager left and joined anew");
    }

    private async Task DeployAsync(string stack, int replicas, string command, string deploy)
    {
        var file = Path.Combine(_folder, stack + ".yml");
        await File.WriteAllTextAsync(file, $$"""
            services:
              web:
                image: berth/busybox:1
                {{command}}
                stop_signal: SIGKILL
                network_mode: host
                deploy:
                  replicas: {{replicas}}
                  {{deploy}}
                  placement: { constraints: [node.hostname == {{Managers.WorkerName}}] }
            """);
        (await Lab.Berth("stack", "deploy", "-c", file, stack)).Succeeded();
    }

    private void Said(string what) => output.WriteLine($"{_clock.Elapsed.TotalSeconds,4:0} s  {what}");
}
