using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service ls</c>, and <c>berth stack services</c>.</summary>
internal static class ServiceList
{
    private static readonly string[] Known = ["id", "label", "mode", "name"];

    /// <summary><c>berth service ls</c>.</summary>
    public static Command Build(CommandContext context) => Build(context,
        new BerthCommand("ls", "List services",
            "berth service ls",
            "berth service ls --filter mode=global --format json",
            "berth service ls --format '{{.Name}} {{.Replicas}}'").Alias("list"),
        null);

    /// <summary><c>berth stack services</c>.</summary>
    public static Command OfStack(CommandContext context) => Build(context,
        new BerthCommand("services", "List the services in the stack", "berth stack services shop", "berth stack services --format json shop"),
        Naming.Stack());

    /// <summary>Whether a service passes: ids and names by their beginning, as with Docker.</summary>
    public static bool Matches(Filters filters, ServiceSummary summary) =>
        filters.Allow("id", id => summary.Service.Id.StartsWith(id, StringComparison.Ordinal))
        && filters.Allow("name", name => summary.Service.Spec.Name.StartsWith(name, StringComparison.Ordinal))
        && filters.Allow("mode", mode => mode == (summary.Service.Spec.ModeCase == ServiceSpec.ModeOneofCase.Global ? "global" : "replicated"))
        && filters.AllowLabel("label", summary.Service.Spec.Labels);

    private static BerthCommand Build(CommandContext context, BerthCommand command, Argument<string>? stack)
    {
        var filter = Filters.Flag(Known);
        var format = Flag.Format();
        var noTrunc = Flag.Switch("--no-trunc", "Do not truncate output");
        var quiet = Flag.Switch("--quiet", "Only display IDs", "-q");
        command.With(filter, format, noTrunc, quiet);
        if (stack is not null)
            command.With(stack);
        return command.Does(context, async (parse, client, cancel) =>
        {
            var filters = Filters.Parse(parse.GetValue(filter) ?? [], Known);
            var show = parse.ListFormat(format);
            var request = new ListServicesRequest { Stack = stack is null ? "" : parse.GetRequiredValue(stack) };
            var doing = request.Stack.Length > 0 ? $"list the services of stack '{request.Stack}'" : "list services";
            var answer = await client.Ask(doing, (control, call) => control.ListServicesAsync(request, call), cancel);
            if (request.Stack.Length > 0 && answer.Services.Count == 0)
                throw new UserError($"there is no stack '{request.Stack}'", "'berth stack ls' lists the stacks");
            ServiceLine[] lines = [.. answer.Services.Where(service => Matches(filters, service)).Select(ServiceLine.Of).OrderBy(line => line.Name, StringComparer.Ordinal)];
            ServiceLine.Listing(parse.GetValue(noTrunc)).Print(context.Terminal, lines, show, parse.GetValue(quiet));
            return ExitCode.Done;
        });
    }
}
