using System.Globalization;
using Xunit.Abstractions;

namespace Berth.Tests.Integration.Cluster;

/// <summary>Random kills of managers, agents and engines while people change what they want. <c>bench/soak</c> runs it longer.</summary>
public sealed class ChaosTests(LabFixture fixture, ITestOutputHelper output) : ClusterTest(fixture)
{
    private static readonly int Kills = Number("BERTH_KILLS", 200);
    private static readonly int Seed = Number("BERTH_SEED", Environment.TickCount & 0xffff);

    [SkippableFact]
    public async Task Random_kills_under_changing_wishes_end_converged_with_nothing_lost_or_doubled()
    {
        Say($"BERTH_SEED={Seed} BERTH_KILLS={Kills}");
        var random = new Random(Seed);
        (await DeployAsync("keep", Sleepers(6))).Succeeded();
        var kept = await Containers.OfAsync(Lab, "keep_web");
        var wishes = new Wishes(this, random);

        for (var kill = 0; kill < Kills; kill++)
        {
            await wishes.ChangeAsync();
            await KillSomethingAsync(random);
            await Task.Delay(random.Next(300));
        }

        await wishes.SettleAsync();
        foreach (var (stack, wish) in wishes.Wanted)
        {
            await RunsAsync($"{stack}_web", wish.Replicas, TimeSpan.FromSeconds(120));
            await Eventually.HoldsAsync(async () =>
            {
                var images = (await Containers.OfAsync(Lab, $"{stack}_web")).Select(fact => fact.Image).Distinct().ToList();
                return (images.Count == 0 || images.SequenceEqual([wish.Image]), $"{stack}: {string.Join(", ", images)}, wanted {wish.Image}");
            }, TimeSpan.FromSeconds(120));
        }
        Assert.Equal(kept, await Containers.OfAsync(Lab, "keep_web"));
        var known = wishes.Wanted.Keys.Append("keep").Select(stack => $"{stack}_web").ToHashSet();
        // A stack that was removed last, beside a daemon that was killed last, takes a moment to be gone.
        await Eventually.HoldsAsync(async () =>
        {
            var unknown = (await Containers.AllAsync(Lab)).Where(fact => !known.Contains(fact.Service)).ToList();
            return (unknown.Count == 0, $"containers of nobody: {string.Join(", ", unknown)}");
        }, TimeSpan.FromSeconds(60));
    }

    private async Task KillSomethingAsync(Random random)
    {
        await Lab.RefreshAsync();
        var host = random.Next(1, Lab.Hosts + 1);
        var field = random.Next(3) switch { 0 => "manager_pid", 1 => "agent_pid", _ => "engine_pid" };
        if (field == "manager_pid")
            host = 1;
        if (Lab.Pid(host, field) is not { } pid)
            return;                                     // it is being restarted already
        await BerthProgram.RunToolAsync("kill", ["-9", pid.ToString(CultureInfo.InvariantCulture)]);
        Say($"killed {field} of {Lab.HostName(host)}");
    }

    private void Say(string line) => output.WriteLine(line);

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    private sealed record Wish(int Replicas, string Image);

    /// <summary>What people want: changed at random, remembered once acknowledged.</summary>
    private sealed class Wishes(ChaosTests test, Random random)
    {
        private readonly HashSet<string> _unsure = [];

        public Dictionary<string, Wish> Wanted { get; } = [];

        public async Task ChangeAsync()
        {
            var stack = $"chaos{random.Next(3)}";
            if (Wanted.ContainsKey(stack) && random.Next(4) == 0)
            {
                Wanted.Remove(stack);
                await AskAsync(stack, ["stack", "rm", "--detach", stack]);
                return;
            }
            var wish = new Wish(random.Next(0, 6), $"berth/busybox:{random.Next(1, 3)}");
            Wanted[stack] = wish;
            await AskAsync(stack, Deploy(stack, wish));
        }

        // A call that a kill cut off may or may not have taken effect: at the end it is asked again, as a person would.
        public async Task SettleAsync()
        {
            foreach (var stack in _unsure)
            {
                string[] again = Wanted.TryGetValue(stack, out var wish) ? Deploy(stack, wish) : ["stack", "rm", "--detach", stack];
                await Eventually.HoldsAsync(async () =>
                {
                    var answer = await test.Berth(again);
                    return (answer.ExitCode == 0 || (again[1] == "rm" && answer.ExitCode == 1), answer.Output + answer.Error);
                });
            }
        }

        private async Task AskAsync(string stack, string[] arguments)
        {
            var answer = await test.Berth(arguments);
            test.Say($"{string.Join(' ', arguments.Take(2))} {stack}: {answer.ExitCode}");
            if (answer.ExitCode == 0)
                _unsure.Remove(stack);
            else
                _unsure.Add(stack);
        }

        private string[] Deploy(string stack, Wish wish) =>
            ["stack", "deploy", "--detach", "-c", test.Write(stack, Sleepers(wish.Replicas, wish.Image, "update_config: { parallelism: 0, monitor: 100ms }\nrestart_policy: { delay: 100ms }")), stack];
    }
}
