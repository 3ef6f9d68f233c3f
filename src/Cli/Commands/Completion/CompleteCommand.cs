using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Completion;

/// <summary><c>berth complete -- WORDS</c>: what shells ask while a command line is written. Hidden from help.</summary>
internal static class CompleteCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The command; one candidate a line, a tab, its description.</summary>
    public static Command Build(CommandContext context, RootCommand root)
    {
        var words = new Argument<string[]>("WORDS") { Arity = ArgumentArity.ZeroOrMore, CaptureRemainingTokens = true };
        var command = new BerthCommand("complete", "Print what may follow on a command line").With(words).Does(context, async (parse, client, cancel) =>
        {
            var line = parse.GetValue(words) ?? [];
            var (candidates, names) = Completer.Find(root, line);
            foreach (var (word, help) in candidates)
                context.Terminal.Out.WriteLine(help.Length > 0 ? $"{word}\t{help}" : word);
            if (names is { } kind)
            {
                var start = line.LastOrDefault() ?? "";
                foreach (var name in (await Names(context, client, kind, cancel)).Where(name => name.StartsWith(start, StringComparison.Ordinal)).Distinct())
                    context.Terminal.Out.WriteLine(name);
            }
            return ExitCode.Done;
        });
        command.Hidden = true;
        return command;
    }

    // A shell that waits is worse than one that offers nothing: whatever goes wrong, there are no names.
    private static async Task<IReadOnlyList<string>> Names(CommandContext context, ManagerClient client, Named kind, CancellationToken cancel)
    {
        using var patience = new CancellationTokenSource(Patience, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, patience.Token);
        try
        {
            return kind switch
            {
                Named.Service => await Services(client, either.Token),
                Named.Node => [.. (await client.Ask("list nodes", (control, call) => control.ListNodesAsync(new ListNodesRequest(), call), either.Token))
                    .Nodes.Select(node => node.Node.Description.Hostname)],
                Named.Stack => [.. (await client.Ask("list stacks", (control, call) => control.ListStacksAsync(new ListStacksRequest(), call), either.Token))
                    .Stacks.Select(stack => stack.Stack.Name)],
                Named.Network => [.. (await client.Ask("list networks", (control, call) => control.ListNetworksAsync(new ListNetworksRequest(), call), either.Token))
                    .Networks.Select(network => network.Network.Spec.Name)],
                Named.Task => await Tasks(client, either.Token),
                _ => [.. await Services(client, either.Token), .. await Tasks(client, either.Token)],
            };
        }
        catch (Exception error) when (error is UserError or OperationCanceledException)
        {
            return [];
        }
    }

    private static async Task<IReadOnlyList<string>> Services(ManagerClient client, CancellationToken cancel) =>
        [.. (await client.Ask("list services", (control, call) => control.ListServicesAsync(new ListServicesRequest(), call), cancel))
            .Services.Select(service => service.Service.Spec.Name)];

    private static async Task<IReadOnlyList<string>> Tasks(ManagerClient client, CancellationToken cancel) =>
        [.. (await client.ReadAll("list tasks", (control, call) => control.ListTasks(new ListTasksRequest { LiveOnly = true }, call), cancel)).Select(row => row.Name)];
}
