using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Client;
using Berth.Cli.Output;

namespace Berth.Cli.Commands;

/// <summary>What the <c>inspect</c> commands share: one JSON array in Docker's shape, or a template for each object.</summary>
internal static class Inspection
{
    /// <summary>An <c>inspect</c> command.</summary>
    /// <param name="context">What it works with.</param>
    /// <param name="command">Its words and examples.</param>
    /// <param name="names">What it inspects.</param>
    /// <param name="json">How an object is written.</param>
    /// <param name="get">Asks for one object by name.</param>
    public static Command Build<T>(CommandContext context, BerthCommand command, Argument<string[]> names, JsonTypeInfo<T> json,
        Func<ManagerClient, string, CancellationToken, Task<T>> get)
    {
        var format = Flag.Text("--format", "format", "json, or a template such as '{{.Spec.Name}}'", "-f");
        return command.With(format).With(names).Does(context, async (parse, client, cancel) =>
        {
            var show = parse.ListFormat(format);
            var objects = new List<T>();
            foreach (var name in parse.GetRequiredValue(names))
                objects.Add(await get(client, name, cancel));
            context.Terminal.Out.Write(show is ListFormat.Template template
                ? template.Parsed.RenderRows(objects.Select(item => JsonSerializer.SerializeToElement(item, json)), template.WithHeader)
                : JsonText.Array(objects, json));
            return ExitCode.Done;
        });
    }
}
