using System.CommandLine;
using System.Globalization;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;
using Google.Protobuf.WellKnownTypes;

namespace Berth.Cli.Commands;

/// <summary><c>berth service logs</c> and <c>berth task logs</c>.</summary>
internal static class LogsCommand
{
    /// <summary><c>berth service logs</c>.</summary>
    public static Command OfService(CommandContext context) => Build(context, "Fetch the logs of a service or task",
        "berth service logs --follow --tail 20 web", "berth service logs --since 10m --timestamps web");

    /// <summary><c>berth task logs</c>.</summary>
    public static Command OfTask(CommandContext context) => Build(context, "Fetch the logs of a task",
        "berth task logs --follow web.1", "berth task logs --tail 100 --raw web.1");

    /// <summary>Lines from the end: <c>all</c> is -1.</summary>
    public static int Tail(string text) => text == "all" ? -1 : FlagValues.Count(text);

    /// <summary>An instant: RFC 3339, unix seconds, or how long ago.</summary>
    public static DateTimeOffset Since(string text, DateTimeOffset now)
    {
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant) && text.Contains('-', StringComparison.Ordinal))
            return instant;
        if (text.Length >= 9 && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < 100_000_000_000m)
            return DateTimeOffset.UnixEpoch + TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
        try
        {
            return now - FlagValues.Duration(text);
        }
        catch (FormatException)
        {
            throw new FormatException("write an instant such as 2026-01-31T12:00:00Z, or how long ago, such as 10m");
        }
    }

    private static BerthCommand Build(CommandContext context, string help, params string[] examples)
    {
        var follow = Flag.Switch("--follow", "Follow log output", "-f");
        var tail = Flag.Value("--tail", "lines", "Number of lines to show from the end of each task's log (default all)", Tail, "-n");
        var since = Flag.Value("--since", "time", "Show logs since a time (2026-01-31T12:00:00Z) or so long ago (42m)", text => Since(text, context.Time.GetUtcNow()));
        var timestamps = Flag.Switch("--timestamps", "Show timestamps", "-t");
        var raw = Flag.Switch("--raw", "Do not neatly format logs");
        var noTrunc = Flag.Switch("--no-trunc", "Do not truncate task IDs");
        var noTaskIds = Flag.Switch("--no-task-ids", "Do not include task IDs in output");
        var format = Flag.Text("--format", "format", "json: one object a line");
        var details = Flag.Unsupported("--details", "log drivers' extra attributes are not fetched");
        var target = Naming.ServiceOrTask();
        return new BerthCommand("logs", help, examples)
            .With(follow, tail, since, timestamps, raw, noTrunc, noTaskIds, format, details)
            .With(target)
            .Does(context, async (parse, client, cancel) =>
            {
                var asJson = parse.ListFormat(format) switch
                {
                    ListFormat.Table => false,
                    ListFormat.Json => true,
                    _ => throw UserError.Usage("--format: logs have no templates", "write json, or leave it out"),
                };
                var request = new LogsRequest { Target = parse.GetRequiredValue(target), Follow = parse.GetValue(follow), Tail = parse.GetValue(tail) ?? -1 };
                if (parse.GetValue(since) is { } instant)
                    request.Since = Timestamp.FromDateTimeOffset(instant);
                var text = new LogText(parse.GetValue(timestamps), parse.GetValue(raw), parse.GetValue(noTrunc), !parse.GetValue(noTaskIds));
                var items = client.Follow($"read the logs of service or task '{request.Target}'", (control, call) => control.Logs(request, call), cancel);
                return await Print(context.Terminal, items, text, asJson);
            });
    }

    // Ctrl-C is how people stop following: that is no failure.
    private static async Task<int> Print(Terminal terminal, IAsyncEnumerable<LogItem> items, LogText text, bool asJson)
    {
        try
        {
            await foreach (var item in items)
            {
                if (item.ItemCase == LogItem.ItemOneofCase.Notice)
                    terminal.Note($"notice: {item.Notice}");
                else if (asJson)
                    terminal.Out.WriteLine(JsonText.Line(LogText.Json(item.Line), ListJson.Default.LogLineText));
                else
                    (item.Line.Stderr ? terminal.Err : terminal.Out).WriteLine(text.Line(item.Line, item.Line.Stderr ? terminal.ColorErr : terminal.ColorOut));
            }
        }
        catch (OperationCanceledException)
        {
            terminal.Out.Flush();
        }
        return ExitCode.Done;
    }
}
