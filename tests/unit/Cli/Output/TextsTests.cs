using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output;
using Berth.Protocol.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using static Berth.Tests.Cli.Output.Rows;

namespace Berth.Tests.Cli.Output;

public sealed class TextsTests
{
    [Theory]
    [InlineData(0.2, "Less than a second")]
    [InlineData(1, "1 second")]
    [InlineData(59, "59 seconds")]
    [InlineData(60, "About a minute")]
    [InlineData(150, "2 minutes")]
    [InlineData(3600, "About an hour")]
    [InlineData(7200, "2 hours")]
    [InlineData(3 * 86400, "3 days")]
    [InlineData(21 * 86400, "3 weeks")]
    public void Ages_are_told_as_docker_tells_them(double seconds, string expected) =>
        Assert.Equal(expected, DurationText.Ago(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0.25, "0.25s")]
    [InlineData(900, "15m")]
    [InlineData(3723, "1h2m3s")]
    public void Durations_are_told_as_flags_are_written(double seconds, string expected) =>
        Assert.Equal(expected, DurationText.Of(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Log_lines_say_where_they_come_from()
    {
        var line = new LogLine
        {
            TaskId = "0123456789abcdefghijklmno",
            TaskName = "web.1",
            NodeHostname = "berth1",
            Time = Timestamp.FromDateTimeOffset(Now),
            Text = ByteString.CopyFromUtf8("GET /"),
        };

        Assert.Equal("web.1.0123456789ab@berth1    | GET /", new LogText(false, false, false, true).Line(line, false));
        Assert.Equal("2026-01-31T12:00:00.000000000Z web.1@berth1    | GET /", new LogText(true, false, false, false).Line(line, false));
        Assert.Equal("GET /", new LogText(false, true, false, true).Line(line, true));
        Assert.Matches("^\e\\[[0-9]+mweb\\.1\\.0123456789abcdefghijklmno@berth1    \\| \e\\[0mGET /$", new LogText(false, false, true, true).Line(line, true));
    }

    [Fact]
    public void A_drain_tells_who_left_and_what_it_waits_for()
    {
        DrainProgress first = new() { Tasks = { Task("web.1", TaskState.Running, "berth2"), Task("web.2", TaskState.Running, "berth2") }, Reason = "2 tasks are left on berth2" };
        DrainProgress second = new() { Tasks = { Task("web.2", TaskState.Running, "berth2") }, Reason = "1 task is left on berth2" };
        DrainProgress last = new() { Empty = true };

        Assert.Equal(["2 tasks are left on berth2"], DrainText.Changes("berth2", null, first));
        Assert.Equal(["web.1 left berth2", "1 task is left on berth2"], DrainText.Changes("berth2", first, second));
        Assert.Empty(DrainText.Changes("berth2", second, second));
        Assert.Equal(["web.2 left berth2", "berth2 is empty"], DrainText.Changes("berth2", second, last));
        Assert.Equal(["2 tasks are left on berth2", "  web.1 running on berth2", "  and 1 more"], DrainText.View("berth2", first, 3).Select(line => line.Text));
    }

    [Fact]
    public void A_failure_is_explained_by_the_newest_failed_tasks_of_the_update()
    {
        TaskRow[] rows =
        [
            Task("web.1", TaskState.Running, "berth1"),
            Task("web.1", TaskState.Failed, "berth1", err: "exit 1", id: "new1", agoSeconds: 10),
            Task("web.2", TaskState.Failed, "berth2", err: "exit 1", id: "new2", agoSeconds: 5),
            Task("web.3", TaskState.Rejected, "berth3", err: "no such image", id: "new3", agoSeconds: 20),
            Task("web.3", TaskState.Failed, "berth3", err: "last week's", id: "old", agoSeconds: 1),
        ];

        Assert.Equal(["web.2 failed on berth2: exit 1", "web.3 rejected on berth3: no such image"],
            FailedTasks.Explain(rows, new Rollout { Failed = { "new1", "new2", "new3" } }));
        Assert.Empty(FailedTasks.Explain([rows[0]], null));
    }
}
