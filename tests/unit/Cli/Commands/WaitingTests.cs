using Berth.Cli.Commands;
using Berth.Cli.Output;
using Berth.Protocol.V1;
using static Berth.Tests.Cli.Output.Rows;
using Verdict = Berth.Protocol.V1.ServiceProgress.Types.Verdict;

namespace Berth.Tests.Cli.Commands;

/// <summary>The loop around a wait, over real gRPC.</summary>
public sealed class WaitingTests : IAsyncLifetime
{
    private readonly ScriptedManager _manager = new();

    public System.Threading.Tasks.Task InitializeAsync() => _manager.Start();

    public async System.Threading.Tasks.Task DisposeAsync() => await _manager.DisposeAsync();

    [Fact]
    public async System.Threading.Tasks.Task A_wait_ends_when_the_service_has_converged()
    {
        Say(Service(Verdict.Converging, 0, 2, Task("web.1", TaskState.Preparing, "berth1")));
        Say(Service(Verdict.Converged, 2, 2, Task("web.1", TaskState.Running, "berth1")));

        var (code, stdout, stderr) = await Scale();

        Assert.Equal((ExitCode.Done, "web scaled to 2\n"), (code, stdout));
        Assert.Equal("web.1 preparing on berth1\nweb.1 running on berth1\nweb converged: 2/2 running\n", stderr);
        Assert.Equal([new ScaleServicesRequest.Types.Scale { Service = "web", Replicas = 2 }], _manager.Requests.OfType<ScaleServicesRequest>().Single().Scales);
        Assert.Equal(["web-id"], _manager.Requests.OfType<FollowServicesRequest>().Single().Services);
    }

    [Fact]
    public async System.Threading.Tasks.Task A_paused_update_fails_with_the_reasons_of_its_tasks()
    {
        var paused = Service(Verdict.Paused, 1, 2);
        paused.Reason = "1 of 2 slots failed";
        _manager.Tasks.Add(Task("web.2", TaskState.Failed, "berth2", err: "task: non-zero exit (1)"));
        Say(paused);

        var (code, _, stderr) = await Scale("--quiet");

        Assert.Equal(ExitCode.Failed, code);
        Assert.Equal("""
            error: service 'web' update paused: 1 of 2 slots failed
              web.2 failed on berth2: task: non-zero exit (1)
              next: berth service ps --no-trunc web; then deploy or update again, or: berth service rollback web

            """, stderr);
    }

    [Fact]
    public async System.Threading.Tasks.Task Json_is_all_that_reaches_stdout()
    {
        Say(Service(Verdict.Converged, 2, 2));

        var (_, stdout, _) = await Scale("--format", "json");

        Assert.Equal("""
            [
                {
                    "ID": "web-id",
                    "Name": "web",
                    "Change": "updated",
                    "ReplacesTasks": false
                }
            ]

            """, stdout);
    }

    [Fact]
    public async System.Threading.Tasks.Task Detached_it_does_not_wait_and_says_how_to_follow()
    {
        var (code, _, stderr) = await Scale("--detach");

        Assert.Equal((ExitCode.Done, "not waited for; follow it with: berth service ps web\n"), (code, stderr));
        Assert.Empty(_manager.Requests.OfType<FollowServicesRequest>());
    }

    [Fact]
    public async System.Threading.Tasks.Task A_state_not_reached_in_time_has_its_own_exit_code()
    {
        var waiting = Service(Verdict.Converging, 1, 2);
        waiting.Reason = "slot 2 waits for a node";
        Say(waiting);

        var (code, _, stderr) = await Scale("--timeout", "1s");

        Assert.Equal(ExitCode.NotReached, code);
        Assert.Equal("""
            error: not reached within 1s; what was asked goes on in the cluster
              next: berth service ps web, or wait longer with --timeout
              web: 1/2 running: slot 2 waits for a node

            """, stderr);
    }

    [Fact]
    public async System.Threading.Tasks.Task A_manager_that_goes_away_is_waited_for()
    {
        Say(Service(Verdict.Converging, 1, 2, Task("web.1", TaskState.Starting, "berth1")));
        using StringWriter stdout = new(), stderr = new();
        var scaling = Scale(stdout, stderr);
        await Until(() => stderr.ToString().Contains("web.1 starting"));
        await _manager.Stop();
        await Until(() => stderr.ToString().Contains("does not answer"));
        await _manager.Start();
        Say(Service(Verdict.Converged, 2, 2));

        Assert.Equal(ExitCode.Done, await scaling);
        Assert.Equal($"""
            web.1 starting on berth1
            the manager at {_manager.Address} does not answer; still waiting for it, the cluster goes on without
            the manager at {_manager.Address} is back
            web converged: 2/2 running

            """, stderr.ToString());
    }

    [Fact]
    public async System.Threading.Tasks.Task What_ran_before_and_what_was_rolled_back_before_is_no_news()
    {
        var earlier = Service(Verdict.Converging, 2, 2, Task("web.1", TaskState.Running, "berth1"));
        earlier.Rollout = new Rollout { State = RolloutState.RollbackCompleted };
        var stable = earlier.Clone();
        stable.Verdict = Verdict.RolledBack;
        stable.Reason = "update rolled back: 1 of 2 slots failed";
        Say(earlier);
        Say(stable);

        var (code, _, stderr) = await Scale();

        Assert.Equal((ExitCode.Done, "web converged: 2/2 running\n"), (code, stderr));
    }

    [Fact]
    public async System.Threading.Tasks.Task A_service_that_somebody_removes_meanwhile_is_a_failure()
    {
        Say(Service(Verdict.Removed, 0, 0));

        var (code, _, stderr) = await Scale("--quiet");

        Assert.Equal((ExitCode.Failed, "error: service 'web' was removed meanwhile\n  next: berth service ls\n"), (code, stderr));
    }

    [Fact]
    public async System.Threading.Tasks.Task A_service_that_is_gone_keeps_its_name()
    {
        var gone = Service(Verdict.Converging, 1, 0, Task("web-id.1", TaskState.Shutdown, "berth1", message: "stopped"));
        gone.Name = "web-id";
        Say(gone);

        var (_, _, stderr) = await Scale("--timeout", "1s");

        Assert.Contains("web.1 shutdown on berth1", stderr);
        Assert.Contains("web: 1/0 running", stderr);
        Assert.DoesNotContain("web-id", stderr);
    }

    private static async System.Threading.Tasks.Task Until(Func<bool> condition)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(30), "not seen within 30 s");
            await System.Threading.Tasks.Task.Delay(20);
        }
    }

    private void Say(ServiceProgress service) => Assert.True(_manager.Progress.Writer.TryWrite(Of(service)));

    private async Task<(int Code, string Out, string Err)> Scale(params string[] flags)
    {
        using StringWriter stdout = new(), stderr = new();
        var code = await Scale(stdout, stderr, flags);
        return (code, stdout.ToString(), stderr.ToString());
    }

    private Task<int> Scale(StringWriter stdout, StringWriter stderr, params string[] flags)
    {
        var context = CliRun.Context(TextWriter.Synchronized(stdout), TextWriter.Synchronized(stderr));
        return BerthCli.Run(BerthCli.Build(context), ["--host", _manager.Address, "service", "scale", .. flags, "web=2"], context);
    }
}
