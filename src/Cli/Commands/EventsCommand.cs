using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands;

/// <summary><c>berth events</c>.</summary>
internal static class EventsCommand
{
    private static readonly string[] Kinds = ["service", "node", "stack", "task"];
    private static readonly string[] Known = ["type", "event", .. Kinds];

    /// <summary>The command. It follows until Ctrl-C: there is no history to show.</summary>
    public static Command Build(CommandContext context)
    {
        var follow = Flag.Switch("--follow", "Follow events as they happen (always so)");
        var filter = Filters.Flag(Known);
        var format = Flag.Text("--format", "format", "json: one object a line; or a template");
        return new BerthCommand("events", "Follow what happens in the cluster", "berth events --follow", "berth events --filter type=node --format json")
            .With(follow, filter, format)
            .Does(context, async (parse, client, cancel) =>
            {
                var filters = Filters.Parse(parse.GetValue(filter) ?? [], Known);
                var show = parse.ListFormat(format);
                try
                {
                    await foreach (var happened in client.Follow("follow events", (control, call) => control.WatchEvents(new WatchEventsRequest(), call), cancel))
                    {
                        if (Matches(filters, happened))
                            context.Terminal.Out.WriteLine(Text(EventLine.Of(happened), show));
                    }
                }
                catch (OperationCanceledException)
                {
                    return ExitCode.Done; // Ctrl-C is how people stop following.
                }
                throw new UserError($"the manager at {client.Address.Url} ended the stream of events", "berth events", ExitCode.Unreachable);
            });
    }

    /// <summary>Whether an event passes.</summary>
    public static bool Matches(Filters filters, Event happened) =>
        filters.Allow("type", type => happened.Type == type)
        && filters.Allow("event", action => happened.Action == action)
        && Kinds.All(kind => filters.Allow(kind, name =>
            (happened.Type == kind && (happened.Name == name || happened.Id.StartsWith(name, StringComparison.Ordinal)))
            || (happened.Attributes.TryGetValue(kind, out var value) && value == name)));

    private static string Text(EventLine line, ListFormat format) => format switch
    {
        ListFormat.Json => JsonText.Line(line, ListJson.Default.EventLine),
        ListFormat.Template template => template.Parsed.Render(System.Text.Json.JsonSerializer.SerializeToElement(line, ListJson.Default.EventLine)),
        _ => line.Text(),
    };
}
