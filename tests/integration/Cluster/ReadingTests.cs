using System.Globalization;
using System.Text.Json;

namespace Berth.Tests.Integration.Cluster;

public sealed class ReadingTests(LabFixture fixture) : ClusterTest(fixture)
{
    private const string Talkers = """
        services:
          talk:
            image: berth/busybox:1
            command: [sh, -c, "echo hello from $$HOSTNAME; echo trouble >&2; exec sleep 1000000"]
            stop_signal: SIGKILL
            network_mode: none
            deploy: { replicas: 3, update_config: { monitor: 200ms } }
        """;

    private const string Tickers = """
        services:
          tick:
            image: berth/busybox:1
            command: [sh, -c, "while sleep 1; do date +%s; done"]
            stop_signal: SIGKILL
            network_mode: none
            deploy: { replicas: 3, update_config: { monitor: 200ms } }
        """;

    [SkippableFact]
    public async Task Logs_of_a_service_come_from_every_node()
    {
        (await DeployAsync("logs", Talkers)).Succeeded();

        var logs = (await Berth("service", "logs", "logs_talk")).Succeeded();

        for (var slot = 1; slot <= 3; slot++)
            Assert.Contains($"logs_talk.{slot}", logs.Output);
        Assert.Equal(3, logs.Output.Split('\n').Count(line => line.Contains("hello from")));
    }

    [SkippableFact]
    public async Task Logs_do_not_hang_on_a_dead_node_and_say_so()
    {
        (await DeployAsync("dead", Talkers)).Succeeded();
        await Lab.LabAsync("partition", Lab.HostName(3));

        var logs = (await Berth("service", "logs", "dead_talk")).Succeeded();

        Assert.Contains("hello from", logs.Output);
        Assert.Contains(Lab.HostName(3), logs.Error);
    }

    [SkippableFact]
    public async Task Following_logs_of_a_host_that_loses_power_ends_with_a_notice()
    {
        (await DeployAsync("follow", Tickers)).Succeeded();
        var lost = Lab.HostName(3);
        var others = (await TasksAsync("follow_tick")).Where(task => task.GetProperty("Node").GetString() != lost)
            .Select(task => task.GetProperty("Name").GetString()!).ToHashSet();
        using var logs = BerthProgram.Start(BerthProgram.Berth, ["service", "logs", "--follow", "follow_tick"], new Dictionary<string, string> { ["BERTH_HOST"] = Lab.Host });
        try
        {
            for (var slot = 1; slot <= 3; slot++)
                await SeenAsync(logs.StandardOutput, line => line.Contains($"follow_tick.{slot}"));
            await Lab.LabAsync("kill", lost);
            await SeenAsync(logs.StandardError, line => line.Contains(lost));

            // The reader has lines of before as well: each names the second it was written in.
            var noticed = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            await SeenAsync(logs.StandardOutput, line =>
            {
                if (long.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture) > noticed)
                    others.RemoveWhere(line.Contains);
                return others.Count == 0;
            });
        }
        finally
        {
            logs.Kill();
        }
    }

    // Fails after a minute.
    private static async Task SeenAsync(StreamReader reader, Func<string, bool> isIt)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var line = await reader.ReadLineAsync(limit.Token);
            Assert.True(line is not null, "the reader of logs ended");
            if (isIt(line))
                return;
        }
    }

    [SkippableFact]
    public async Task Exec_runs_in_the_container_on_whatever_node_and_passes_its_exit_code_on()
    {
        (await DeployAsync("exec", Talkers)).Succeeded();

        var said = (await Berth("task", "exec", "exec_talk.2", "echo", "inside")).Succeeded();
        var failed = await Berth("task", "exec", "exec_talk.2", "sh", "-c", "exit 7");

        Assert.Equal("inside\n", said.Output);
        Assert.Equal(7, failed.ExitCode);
    }

    [SkippableFact]
    public async Task Events_tell_what_happens()
    {
        using var events = BerthProgram.Start(BerthProgram.Berth, ["events", "--follow", "--format", "json"], new Dictionary<string, string> { ["BERTH_HOST"] = Lab.Host });
        try
        {
            await Task.Delay(500);
            (await DeployAsync("events", Talkers)).Succeeded();
            var seen = new HashSet<string>();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            while (!(seen.Contains("service create") && seen.Contains("task running")) && await events.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                using var parsed = JsonDocument.Parse(line);
                seen.Add($"{parsed.RootElement.GetProperty("Type").GetString()} {parsed.RootElement.GetProperty("Action").GetString()}");
            }
            Assert.Contains("service create", seen);
            Assert.Contains("task running", seen);
        }
        finally
        {
            events.Kill();
        }
    }

    [SkippableFact]
    public async Task The_sample_stack_answers_from_every_node()
    {
        (await Berth("stack", "deploy", "-c", Path.Combine(BerthProgram.Root, "samples/stacks/hello.yml"), "hello")).Succeeded();

        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        for (var host = 1; host <= Lab.Hosts; host++)
            Assert.Contains("version 1", await http.GetStringAsync($"http://{Lab.Address(host)}:8080/"), StringComparison.OrdinalIgnoreCase);
    }
}
