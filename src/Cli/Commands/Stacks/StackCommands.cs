using System.CommandLine;
using Berth.Cli.Commands.Services;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Stacks;

/// <summary><c>berth stack</c>.</summary>
internal static class StackCommands
{
    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("stack", "Manage stacks").With(named,
        ("deploy", () => StackDeploy.Build(context)),
        ("config", () => StackConfig.Build(context)),
        ("ls", () => List(context)),
        ("ps", () => Ps(context)),
        ("services", () => ServiceList.OfStack(context)),
        ("rm", () => StackRemove.Build(context)));

    private static BerthCommand List(CommandContext context)
    {
        var format = Flag.Format();
        var quiet = Flag.Switch("--quiet", "Only display names", "-q");
        return new BerthCommand("ls", "List stacks", "berth stack ls", "berth stack ls --format json")
            .Alias("list")
            .With(format, quiet)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var answer = await client.Ask("list stacks", (control, call) => control.ListStacksAsync(new ListStacksRequest(), call), cancel);
                StackLine[] lines = [.. answer.Stacks.Select(StackLine.Of).OrderBy(line => line.Name, StringComparer.Ordinal)];
                StackLine.Listing.Print(context.Terminal, lines, show, parse.GetValue(quiet));
                return ExitCode.Done;
            });
    }

    private static BerthCommand Ps(CommandContext context)
    {
        var list = new TaskLists();
        var stack = Naming.Stack();
        return new BerthCommand("ps", "List the tasks in the stack", "berth stack ps shop", "berth stack ps --filter desired-state=running --no-trunc shop")
            .With(list.Options)
            .With(stack)
            .Does(context, (parse, client, cancel) =>
            {
                var request = new ListTasksRequest { Stack = parse.GetRequiredValue(stack) };
                return list.Print(context, parse, client, request, $"list the tasks of stack '{request.Stack}'", cancel);
            });
    }
}
