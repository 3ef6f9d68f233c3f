using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands;

/// <summary><c>berth info</c>.</summary>
internal static class InfoCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var format = Flag.Text("--format", "format", "json, or a template such as '{{.NodesReady}}'", "-f");
        return new BerthCommand("info", "Display the cluster and the manager that answers", "berth info", "berth info --format '{{.NodesReady}}/{{.Nodes}}'")
            .With(format)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var info = Of(await Ask(client, cancel), client.Address);
                context.Terminal.Out.Write(show switch
                {
                    ListFormat.Json => JsonText.Object(info, ListJson.Default.InfoText),
                    ListFormat.Template template => template.Parsed.Render(JsonSerializer.SerializeToElement(info, ListJson.Default.InfoText)) + "\n",
                    _ => Text(info),
                });
                return ExitCode.Done;
            });
    }

    /// <summary>Asks a manager about itself.</summary>
    public static Task<Info> Ask(ManagerClient client, CancellationToken cancel) =>
        client.Ask("ask for the cluster's state", (control, call) => control.GetInfoAsync(new GetInfoRequest(), call), cancel);

    /// <summary>As people read it.</summary>
    public static string Text(InfoText info) => string.Create(CultureInfo.InvariantCulture, $"""
        Cluster: {info.ClusterID}
        Manager: {info.Manager} ({info.Hostname})
         Version: {info.Version}
         Started: {info.StartedAt:yyyy-MM-dd HH:mm:ss} UTC
         Data: {info.DataDirectory}
         Listening on: {string.Join(", ", info.ListeningOn)}
         Index: {info.Index}, epoch {info.Epoch}
        Nodes: {info.NodesReady} ready of {info.Nodes}
        Stacks: {info.Stacks}
        Services: {info.Services}
        Tasks: {info.TasksRunning} running of {info.Tasks}

        """);

    private static InfoText Of(Info info, ManagerAddress address) => new(
        info.ClusterId, address.Url, info.Hostname, info.ManagerVersion, info.StartedAt?.ToDateTime() ?? default, info.Version, info.Epoch,
        info.Nodes, info.NodesReady, info.Stacks, info.Services, info.Tasks, info.TasksRunning, info.DataDirectory, [.. info.ListeningOn]);
}
