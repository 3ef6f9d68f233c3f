using System.CommandLine;
using System.Text.Json;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster status</c>.</summary>
internal static class ClusterStatusCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var format = Flag.Text("--format", "format", "json, or a template such as '{{.Store}}'", "-f");
        return new BerthCommand("status", "Display the managers, the store, the trust and the keys of the cluster", "berth cluster status", "berth cluster status --format '{{.Epoch}}'")
            .With(format)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var status = ClusterText.Of(await ClusterCommands.Ask(client, cancel));
                context.Terminal.Out.Write(show switch
                {
                    ListFormat.Json => JsonText.Object(status, ListJson.Default.ClusterText),
                    ListFormat.Template template => template.Parsed.Render(JsonSerializer.SerializeToElement(status, ListJson.Default.ClusterText)) + "\n",
                    _ => status.Text(context.Terminal.Width),
                });
                return ExitCode.Done;
            });
    }
}
