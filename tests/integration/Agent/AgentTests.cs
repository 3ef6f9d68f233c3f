using System.Text;
using Berth.Model;
using Berth.Protocol.V1;
using Docker.DotNet.Models;
using Google.Protobuf;
using Healthcheck = Berth.Model.Healthcheck;
using Limits = Berth.Model.Limits;
using TaskReport = Berth.Protocol.V1.TaskReport;
using TaskSpec = Berth.Model.TaskSpec;
using TaskState = Berth.Model.TaskState;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Agent;

/// <summary>The real agent on a real engine, under a manager that speaks the real protocol.</summary>
public sealed class AgentTests : IClassFixture<TestEngine>, IAsyncLifetime
{
    private readonly TestEngine _engine;
    private readonly string _directory;
    private readonly TestManager _manager;
    private readonly TestAgent _agent;

    public AgentTests(TestEngine engine)
    {
        _engine = engine;
        _directory = Path.Combine(engine.Directory, Guid.NewGuid().ToString("N")[..8]);
        Directory.CreateDirectory(_directory);
        _manager = new TestManager(Path.Combine(_directory, "manager.sock"));
        _agent = new TestAgent(engine.Socket, Path.Combine(_directory, "manager.sock"), Path.Combine(_directory, "data"));
    }

    public async Task InitializeAsync()
    {
        if (!File.Exists(_engine.Socket))
            return;
        await _manager.StartAsync();
        _agent.Start();
    }

    public async Task DisposeAsync()
    {
        _agent.Dispose();
        await _manager.DisposeAsync();
    }

    private static TaskSpec Spec(string script, Func<Berth.Model.ContainerSpec, Berth.Model.ContainerSpec>? change = null, Limits? limits = null)
    {
        var container = new Berth.Model.ContainerSpec
        {
            Image = "box:1", Command = ["/bin/sh", "-c"], Args = [script], StopGracePeriod = TimeSpan.FromSeconds(1),
        };
        return new TaskSpec
        {
            Container = change?.Invoke(container) ?? container,
            Network = Berth.Model.NetworkMode.Host,
            Resources = new Berth.Model.ResourceRequirements { Limits = limits ?? new Limits() },
        };
    }

    private static TaskSpec Sleeps() => Spec("trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done");

    private async Task<ContainerInspectResponse> ContainerAsync(TaskReport report) =>
        await _engine.Client.Containers.InspectContainerAsync(report.ContainerId, CancellationToken.None);

    private string Seen(string task) => string.Join('\n', _manager.ReportsOf(task)) + "\n" + _agent.Log;

    [SkippableFact]
    public async Task A_task_runs_stops_on_request_and_is_deleted_when_it_is_removed()
    {
        _engine.Require();
        var task = _manager.Assign(Sleeps());
        var running = await _manager.UntilAsync(task, TaskState.Running);
        var container = await ContainerAsync(running);
        Assert.Equal($"/web.1.{task}", container.Name);
        Assert.Equal(container.State!.Pid, running.Pid);
        Assert.Equal(task, container.Config!.Labels["com.docker.swarm.task.id"]);
        Assert.Equal("here", _manager.Description!.Hostname);

        _manager.Want(task, TaskState.Shutdown);
        var ended = await _manager.UntilAsync(task, TaskState.Shutdown);
        Assert.Equal((0, "stopped"), (ended.ExitCode, ended.Message));
        Assert.False((await ContainerAsync(ended)).State!.Running);

        _manager.Remove(task);
        await Wait.UntilAsync("the container is deleted", async () =>
            (await _engine.Client.Containers.ListContainersAsync(new ContainersListParameters { All = true })).All(each => each.ID != ended.ContainerId), () => Seen(task));
        Assert.Equal(_manager.ReportsOf(task).Select(report => report.State), _manager.ReportsOf(task).Select(report => report.State).Order());
    }

    [SkippableFact]
    public async Task A_prepared_task_starts_only_once_that_is_desired()
    {
        _engine.Require();
        var task = _manager.Assign(Sleeps(), TaskState.Ready);
        var ready = await _manager.UntilAsync(task, TaskState.Ready);
        Assert.Equal("created", (await ContainerAsync(ready)).State!.Status);
        _manager.Want(task, TaskState.Running);
        Assert.Equal(ready.ContainerId, (await _manager.UntilAsync(task, TaskState.Running)).ContainerId);
    }

    [SkippableFact]
    public async Task A_task_with_a_health_check_runs_once_healthy_and_fails_when_it_is_not_any_more()
    {
        _engine.Require();
        var check = new Healthcheck
        {
            Test = ["CMD-SHELL", "test -e /tmp/ok || { echo no ok file; exit 1; }"],
            Interval = TimeSpan.FromSeconds(1), Retries = 2, StartPeriod = TimeSpan.FromSeconds(30),
        };
        var task = _manager.Assign(Spec(
            "trap 'exit 0' TERM; i=0; while :; do sleep 0.1; i=$((i+1)); [ $i = 15 ] && touch /tmp/ok; [ -e /tmp/bad ] && busybox rm -f /tmp/ok /tmp/bad; done",
            container => container with { Healthcheck = check }));
        await _manager.UntilAsync(task, TaskState.Starting, report => report.Message.Contains("health check", StringComparison.Ordinal));
        await _manager.UntilAsync(task, TaskState.Running);
        await ExecAsync(task, ["/bin/touch", "/tmp/bad"]);
        var ended = await _manager.UntilAsync(task, TaskState.Failed);
        Assert.Equal("unhealthy: no ok file", ended.Err);
    }

    [SkippableFact]
    public async Task Ends_say_why()
    {
        _engine.Require();
        var done = _manager.Assign(Spec("exit 0"));
        var crash = _manager.Assign(Spec("sleep 0.2; exit 3"));
        var hungry = _manager.Assign(Spec("tail /dev/zero", limits: new Limits(MemoryBytes: 64 << 20)));
        var noCommand = _manager.Assign(Spec("", container => container with { Command = ["/bin/nosuch"] }));
        var noImage = _manager.Assign(Spec("", container => container with { Image = "127.0.0.1:1/nosuch:1" }));
        var noSource = _manager.Assign(Spec("", container => container with { Mounts = [new Berth.Model.Mount { Type = Berth.Model.MountType.Bind, Source = "/nosuch/path", Target = "/x" }] }));

        Assert.Equal("finished", (await _manager.UntilAsync(done, TaskState.Complete)).Message);
        var crashed = await _manager.UntilAsync(crash, TaskState.Failed);
        Assert.Equal((3, "exited with code 3"), (crashed.ExitCode, crashed.Err));
        var killed = await _manager.UntilAsync(hungry, TaskState.Failed);
        Assert.True(killed.OomKilled, killed.ToString());
        Assert.Equal("killed by the kernel for want of memory, limit 64 MiB", killed.Err);
        var unstarted = await _manager.UntilAsync(noCommand, TaskState.Failed);
        Assert.Equal(127, unstarted.ExitCode);
        Assert.Contains("/bin/nosuch", unstarted.Err, StringComparison.Ordinal);
        var unpulled = await _manager.UntilAsync(noImage, TaskState.Rejected);
        Assert.Contains("pull image '127.0.0.1:1/nosuch:1'", unpulled.Err, StringComparison.Ordinal);
        Assert.Contains("connection refused", unpulled.Err, StringComparison.Ordinal);
        Assert.Contains("/nosuch/path", (await _manager.UntilAsync(noSource, TaskState.Rejected)).Err, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_task_that_ignores_its_stop_signal_is_killed_and_says_so()
    {
        _engine.Require();
        var task = _manager.Assign(Spec("trap '' TERM; while :; do sleep 0.1; done", container => container with { StopSignal = "SIGTERM" }));
        await _manager.UntilAsync(task, TaskState.Running);
        _manager.Want(task, TaskState.Shutdown);
        var ended = await _manager.UntilAsync(task, TaskState.Shutdown);
        Assert.Equal((137, "killed: it still ran 1 s after SIGTERM"), (ended.ExitCode, ended.Message));
    }

    [SkippableFact]
    public async Task A_published_port_is_reported_and_a_taken_one_rejects_the_task()
    {
        _engine.Require();
        var spec = Sleeps() with { Network = Berth.Model.NetworkMode.Bridge, Ports = [new Berth.Model.PortConfig(80, 0)] };
        var first = await _manager.UntilAsync(_manager.Assign(spec), TaskState.Running);
        var port = Assert.Single(first.Ports);
        Assert.True(port is { Target: 80, Published: > 0 });
        var second = _manager.Assign(spec with { Ports = [new Berth.Model.PortConfig(80, port.Published)] });
        Assert.Contains("port is taken", (await _manager.UntilAsync(second, TaskState.Rejected)).Err, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_killed_agent_takes_its_containers_over()
    {
        _engine.Require();
        var keeps = _manager.Assign(Sleeps());
        var ends = _manager.Assign(Spec("while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 5"));
        var before = await ContainerAsync(await _manager.UntilAsync(keeps, TaskState.Running));
        var ending = await _manager.UntilAsync(ends, TaskState.Running);
        await ExecAsync(ends, ["/bin/echo", "exec works"]);
        _agent.Kill();
        await _engine.Client.Containers.KillContainerAsync(ending.ContainerId, new ContainerKillParameters());
        _manager.Remove(ends);
        var late = _manager.Assign(Sleeps());
        _agent.Start();

        await _manager.UntilAsync(late, TaskState.Running);
        var after = await ContainerAsync(_manager.Last(keeps)!);
        Assert.Equal((before.ID, before.State!.StartedAt, before.State!.Pid), (after.ID, after.State!.StartedAt, after.State!.Pid));
        Assert.Equal(Berth.Protocol.V1.TaskState.Running, _manager.Last(keeps)!.State);
        await Wait.UntilAsync("what the full set lacks is deleted", async () =>
            (await _engine.Client.Containers.ListContainersAsync(new ContainersListParameters { All = true })).All(each => each.ID != ending.ContainerId), () => Seen(ends));
    }

    [SkippableFact]
    public async Task A_killed_engine_with_live_restore_keeps_its_containers_and_ends_meanwhile_are_noticed()
    {
        _engine.Require();
        var keeps = _manager.Assign(Sleeps());
        var ends = _manager.Assign(Spec("while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 5", container => container with { Mounts = [new Berth.Model.Mount { Type = Berth.Model.MountType.Bind, Source = _directory, Target = "/tmp" }] }));
        var before = await ContainerAsync(await _manager.UntilAsync(keeps, TaskState.Running));
        await _manager.UntilAsync(ends, TaskState.Running);
        await _engine.KillAsync();
        await Wait.UntilAsync("the node warns", () => Task.FromResult(_manager.Description!.Warnings.Any(warning => warning.Contains("does not answer", StringComparison.Ordinal))), () => _agent.Log.ToString());
        Assert.Equal(Berth.Protocol.V1.TaskState.Running, _manager.Last(keeps)!.State);
        await File.WriteAllTextAsync(Path.Combine(_directory, "end"), "");
        await _engine.StartAsync();

        var ended = await _manager.UntilAsync(ends, TaskState.Failed);
        Assert.Equal(5, ended.ExitCode);
        var after = await ContainerAsync(_manager.Last(keeps)!);
        Assert.Equal((before.ID, before.State!.StartedAt, before.State!.Pid), (after.ID, after.State!.StartedAt, after.State!.Pid));
        await Wait.UntilAsync("the warning goes", () => Task.FromResult(_manager.Description!.Warnings.Count == 0), () => _agent.Log.ToString());
    }

    [SkippableFact]
    public async Task A_hung_engine_is_noticed_and_the_node_stays_up()
    {
        _engine.Require();
        var task = _manager.Assign(Sleeps());
        await _manager.UntilAsync(task, TaskState.Running);
        _engine.Hang(true);
        try
        {
            await Wait.UntilAsync("the node warns", () => Task.FromResult(_manager.Description!.Warnings.Any(warning => warning.Contains("hangs", StringComparison.Ordinal))), () => _agent.Log.ToString());
            var beats = _manager.Beats;
            await Wait.UntilAsync("beats go on", () => Task.FromResult(_manager.Beats > beats + 3), () => _agent.Log.ToString());
        }
        finally
        {
            _engine.Hang(false);
        }
        await Wait.UntilAsync("the warning goes", () => Task.FromResult(_manager.Description!.Warnings.Count == 0), () => _agent.Log.ToString());
        Assert.Equal(Berth.Protocol.V1.TaskState.Running, _manager.Last(task)!.State);
        Assert.Equal(1, _manager.Sessions);
    }

    [SkippableFact]
    public async Task Without_a_manager_the_agent_goes_on_and_reports_later()
    {
        _engine.Require();
        var keeps = _manager.Assign(Sleeps());
        var ends = _manager.Assign(Spec("sleep 1; exit 4"));
        await _manager.UntilAsync(keeps, TaskState.Running);
        await _manager.UntilAsync(ends, TaskState.Running);
        await _manager.StopAsync();
        _agent.Kill();
        _agent.Start();
        await Wait.UntilAsync("the container ended", async () => !(await ContainerAsync(_manager.Last(ends)!)).State!.Running, () => Seen(ends));
        await _manager.StartAsync();
        Assert.Equal(4, (await _manager.UntilAsync(ends, TaskState.Failed)).ExitCode);
        Assert.Equal(Berth.Protocol.V1.TaskState.Running, _manager.Last(keeps)!.State);
        Assert.NotEqual("", _manager.Registered!.ClusterId);
    }

    [SkippableFact]
    public async Task A_manager_of_a_lower_epoch_is_not_obeyed()
    {
        _engine.Require();
        _manager.Epoch = 7;
        await Wait.UntilAsync("registered", () => Task.FromResult(_manager.Sessions > 0), () => _agent.Log.ToString());
        var before = _manager.Assign(Sleeps());
        await _manager.UntilAsync(before, TaskState.Running);
        await _manager.StopAsync();
        _manager.Epoch = 6;
        await _manager.StartAsync();
        var task = _manager.Assign(Sleeps());
        await Wait.UntilAsync("it dials again", () => Task.FromResult(_agent.Log.ToString().Contains("epoch", StringComparison.Ordinal)), () => _agent.Log.ToString());
        Assert.Null(_manager.Last(task));
    }

    [SkippableFact]
    public async Task Logs_come_through_the_relay_also_while_following()
    {
        _engine.Require();
        var task = _manager.Assign(Spec("echo one; echo two >&2; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo three"));
        await _manager.UntilAsync(task, TaskState.Running);
        await Wait.UntilAsync("two lines", async () => (await LogsAsync(task, follow: false)).Count == 2, () => Seen(task));
        Assert.Equal(["False one", "True two"], (await LogsAsync(task, follow: false)).Order());
        Assert.Single(await LogsAsync(task, follow: false, tail: 1));

        var relay = await _manager.OpenAsync(new OpenRelay { Logs = new RelayLogs { TaskId = task, Follow = true, Tail = -1 } });
        await ExecAsync(task, ["/bin/touch", "/tmp/go"]);
        var followed = await relay.RestAsync();
        Assert.Contains(followed, message => message.Line?.Text.ToStringUtf8() == "three");
    }

    [SkippableFact]
    public async Task A_command_gets_its_input_and_gives_its_output_and_exit_code()
    {
        _engine.Require();
        var task = _manager.Assign(Sleeps());
        await _manager.UntilAsync(task, TaskState.Running);
        var outputs = await ExecAsync(task, ["/bin/sh", "-c", "cat; echo problem >&2; exit 7"], "typed");
        Assert.Equal("typed", Text(outputs, output => output.Stdout));
        Assert.Equal("problem\n", Text(outputs, output => output.Stderr));
        Assert.Equal(7, outputs[^1].ExitCode);

        var relay = await _manager.OpenAsync(new OpenRelay
        {
            Exec = new RelayExec { TaskId = task, Start = new ExecStart { Command = { "/bin/sh", "-c", "sleep 0.3; stty size" }, Tty = true, Stdin = true, Size = new TerminalSize { Rows = 40, Columns = 120 } } },
        });
        Assert.Contains("40 120", Text([.. (await relay.RestAsync()).Select(message => message.Output)], output => output.Stdout), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Heartbeats_go_on_by_themselves()
    {
        _engine.Require();
        await Wait.UntilAsync("beats", () => Task.FromResult(_manager.Beats > 3), () => _agent.Log.ToString());
        Assert.Equal("x86_64", _manager.Description!.Architecture);
        Assert.True(_manager.Description.Capacity.MemoryBytes > 0);
    }

    private async Task<List<string>> LogsAsync(string task, bool follow, int tail = -1)
    {
        var relay = await _manager.OpenAsync(new OpenRelay { Logs = new RelayLogs { TaskId = task, Follow = follow, Tail = tail } });
        return [.. (await relay.RestAsync()).Select(message => $"{message.Line.Stderr} {message.Line.Text.ToStringUtf8()}")];
    }

    private async Task<List<ExecOutput>> ExecAsync(string task, string[] command, string? input = null)
    {
        var relay = await _manager.OpenAsync(new OpenRelay
        {
            Exec = new RelayExec { TaskId = task, Start = new ExecStart { Command = { command }, Stdin = input is not null } },
        });
        if (input is not null)
        {
            await relay.SendAsync(new ExecInput { Stdin = ByteString.CopyFrom(input, Encoding.UTF8) });
            await relay.SendAsync(new ExecInput { StdinClosed = true });
        }
        var all = await relay.RestAsync();
        Assert.All(all, message => Assert.Equal("", message.Error));
        return [.. all.Select(message => message.Output)];
    }

    private static string Text(List<ExecOutput> outputs, Func<ExecOutput, ByteString> stream) =>
        string.Concat(outputs.Select(output => stream(output).ToStringUtf8()));
}
