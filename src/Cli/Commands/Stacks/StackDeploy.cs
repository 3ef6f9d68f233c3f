using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Stacks;

/// <summary><c>berth stack deploy</c>: what the file says is what there is afterwards.</summary>
internal static class StackDeploy
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var files = new StackFiles();
        var keep = Flag.Switch("--keep-orphans", "Keep services of the stack that the file no longer has, as Docker does without --prune");
        var prune = Flag.Switch("--prune", "Remove services that the file no longer has (the default)");
        var wait = new WaitFlags();
        var format = Changes.Format();
        var stack = Naming.Stack();
        return new BerthCommand("deploy", "Deploy a new stack or update an existing stack",
            "berth stack deploy -c stack.yml shop",
            "berth stack deploy -c stack.yml -c production.yml --timeout 5m shop",
            "cat stack.yml | berth stack deploy -c - --detach shop")
            .Alias("up")
            .With([.. files.Flags, keep, prune, .. wait.Options, format, .. Unsupported()])
            .With(stack)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                if (parse.GetValue(keep) && parse.GetValue(prune))
                    throw UserError.Usage("--keep-orphans conflicts with --prune", "leave out one or the other");
                var name = parse.GetRequiredValue(stack);
                if (files.Read(context, parse, name) is not { } spec)
                    return ExitCode.WrongUsage;
                var keepOrphans = parse.GetValue(keep) || (parse.Given(prune) && !parse.GetValue(prune));
                var answer = await Send(client, new DeployStackRequest { Spec = spec.ToWire(), KeepOrphans = keepOrphans }, cancel);
                foreach (var network in answer.NewNetworks)
                    context.Terminal.Note($"network {network} created");
                Changes.Print(context, show, [.. answer.Services.Select(ChangeLine.Of)], Text);
                return await new ServiceWait(context, client, wait.Read(parse)).Run(Awaited(answer), $"berth stack ps {name}", cancel);
            });
    }

    /// <summary>What is waited for: every service of the file, also those that did not change, and the end of those that left it.</summary>
    public static IReadOnlyList<Awaited> Awaited(DeployStackResponse answer) =>
    [
        .. answer.Services.Select(change => new Awaited(change.Id, change.Name,
            change.Kind == ServiceChange.Types.Kind.Removed ? AwaitedEnd.Removed : AwaitedEnd.Converged, change.ReplacesTasks)),
    ];

    private static string Text(ChangeLine change) =>
        $"service {change.Name} {change.Change}{(change is { Change: "updated", ReplacesTasks: false } ? " (no task replaced)" : "")}";

    private static Task<DeployStackResponse> Send(ManagerClient client, DeployStackRequest request, CancellationToken cancel) =>
        client.Call($"deploy stack '{request.Spec.Name}'", (control, call) => control.DeployStackAsync(request, call), cancel);

    private static Option[] Unsupported() =>
    [
        Flag.Unsupported("--resolve-image", "images are never resolved by the client; leave it out"),
        Flag.Unsupported("--with-registry-auth", "engines pull with the credentials configured on their own hosts"),
    ];
}
