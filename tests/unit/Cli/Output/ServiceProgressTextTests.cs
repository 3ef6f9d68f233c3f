using Berth.Cli.Output;
using Berth.Protocol.V1;
using static Berth.Tests.Cli.Output.Rows;
using Verdict = Berth.Protocol.V1.ServiceProgress.Types.Verdict;

namespace Berth.Tests.Cli.Output;

public sealed class ServiceProgressTextTests
{
    [Fact]
    public void Line_by_line_shows_each_change_once()
    {
        ServicesProgress[] messages =
        [
            Of(Service(Verdict.Converging, 0, 2, Task("web.1", TaskState.New), Task("web.2", TaskState.New))),
            Of(Service(Verdict.Converging, 0, 2, Task("web.1", TaskState.Assigned, "berth1"), Task("web.2", TaskState.Pending, err: "no suitable node (1 node drained)"))),
            Of(Service(Verdict.Converging, 0, 2, Task("web.1", TaskState.Preparing, "berth1", message: "pulling web:1"), Task("web.2", TaskState.Pending, err: "no suitable node (1 node drained)"))),
            Of(Service(Verdict.Converging, 1, 2, Task("web.1", TaskState.Running, "berth1"), Task("web.2", TaskState.Failed, "berth2", err: "task: non-zero exit (1)"))),
            Of(Service(Verdict.Converging, 1, 2, Task("web.1", TaskState.Running, "berth1"), Task("web.2", TaskState.Ready, "berth2", id: "next"))),
            Of(Service(Verdict.Converged, 2, 2, Task("web.1", TaskState.Running, "berth1"), Task("web.2", TaskState.Running, "berth2", id: "next"))),
        ];

        Assert.Equal(
            [
                "web.2 pending: no suitable node (1 node drained)",
                "web.1 preparing on berth1: pulling web:1",
                "web.1 running on berth1",
                "web.2 failed on berth2: task: non-zero exit (1)",
                "web.2 running on berth2",
                "web converged: 2/2 running",
            ],
            Play(messages));
    }

    [Fact]
    public void A_failed_update_says_why_and_where_it_stands()
    {
        var rolling = Service(Verdict.RollingBack, 1, 2);
        rolling.Reason = "1 of 2 slots failed";
        var back = Service(Verdict.RolledBack, 2, 2);
        back.Reason = "1 of 2 slots failed";

        Assert.Equal(["web rolling back: 1 of 2 slots failed", "web rolled back: 1 of 2 slots failed"], Play(Of(rolling), Of(rolling), Of(back)));
    }

    [Theory]
    [InlineData("", "update paused")]
    [InlineData("2 slots failed", "update paused: 2 slots failed")]
    [InlineData("update paused: 2 slots failed", "update paused: 2 slots failed")]
    public void A_reason_that_says_what_happened_is_not_told_twice(string reason, string expected) =>
        Assert.Equal(expected, ServiceProgressText.WithReason("update paused", reason));

    [Fact]
    public void The_live_view_shows_each_service_and_its_replicas()
    {
        var service = Service(Verdict.Converging, 1, 3,
            Task("web.1", TaskState.Running, "berth1"), Task("web.2", TaskState.Starting, "berth2", message: "waits to be healthy"), Task("web.3", TaskState.Rejected, "berth3", err: "no such image"));
        service.Reason = "2 slots to go";

        Assert.Equal(
            [
                new ViewLine("web  1/3 running, 1/3 updated  2 slots to go"),
                new ViewLine("  web.1  running    berth1", Tone.Good),
                new ViewLine("  web.2  starting   berth2  waits to be healthy", Tone.Waiting),
                new ViewLine("  web.3  rejected   berth3  no such image", Tone.Bad),
            ],
            ServiceProgressText.View(Of(service), 20));
    }

    [Fact]
    public void Where_there_is_little_room_what_does_not_run_is_shown()
    {
        var tasks = Enumerable.Range(1, 30).Select(slot => Task($"web.{slot}", slot == 17 ? TaskState.Failed : TaskState.Running, "n")).ToArray();

        Assert.Equal(
            ["web  29/30 running, 29/30 updated", "  web.17  failed     n", "  and 29 more replicas"],
            ServiceProgressText.View(Of(Service(Verdict.Converging, 29, 30, tasks)), 10).Select(line => line.Text));
    }

    [Fact]
    public void The_live_view_never_exceeds_its_height()
    {
        for (var height = 4; height < 40; height++)
        {
            for (var failed = 0; failed <= 30; failed += 5)
            {
                var tasks = Enumerable.Range(1, 30).Select(slot => Task($"web.{slot}", slot <= failed ? TaskState.Failed : TaskState.Running, "n")).ToArray();
                Assert.True(ServiceProgressText.View(Of(Service(Verdict.Converging, 30 - failed, 30, tasks)), height).Count <= height);
            }
        }
    }

    private static List<string> Play(params ServicesProgress[] messages)
    {
        var lines = new List<string>();
        ServicesProgress? before = null;
        foreach (var message in messages)
        {
            lines.AddRange(ServiceProgressText.Changes(before, message));
            before = message;
        }
        return lines;
    }
}
