using System.CommandLine;
using System.Reflection;
using System.Text.Json;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol;

namespace Berth.Cli.Commands;

/// <summary><c>berth version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>This client's version.</summary>
    public static string Client { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>The command. It succeeds without a manager: whoever asks may not have one yet.</summary>
    public static Command Build(CommandContext context)
    {
        var format = Flag.Text("--format", "format", "json, or a template such as '{{.Client}}'", "-f");
        return new BerthCommand("version", "Show the versions of the client and the manager", "berth version", "berth version --format '{{.Client}}'")
            .With(format)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                string? manager = null;
                try
                {
                    var info = await InfoCommand.Ask(client, cancel);
                    manager = info.ManagerVersion;
                    if (ReleaseLevel.Problem("this client", ReleaseLevel.Own, "the manager", ReleaseLevel.OfWire(info.Level)) is { } release)
                        context.Terminal.Note($"note: {release}");
                }
                catch (UserError error)
                {
                    context.Terminal.Note(error.Message);
                }
                var version = new VersionText(Client, manager);
                context.Terminal.Out.Write(show switch
                {
                    ListFormat.Json => JsonText.Object(version, ListJson.Default.VersionText),
                    ListFormat.Template template => template.Parsed.Render(JsonSerializer.SerializeToElement(version, ListJson.Default.VersionText)) + "\n",
                    _ => $"Client:  {version.Client}\nManager: {version.Manager ?? "none answers"}\n",
                });
                return ExitCode.Done;
            });
    }
}
