using System.CommandLine;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Stacks;

/// <summary><c>berth stack rm</c>: waits until the tasks are gone.</summary>
internal static class StackRemove
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var wait = new WaitFlags();
        var format = Changes.Format();
        var stacks = Naming.Stacks();
        return new BerthCommand("rm", "Remove one or more stacks", "berth stack rm shop", "berth stack rm --detach shop blog")
            .Alias("remove", "down")
            .With([.. wait.Options, format])
            .With(stacks)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var removed = new List<ServiceChange>();
                foreach (var stack in parse.GetRequiredValue(stacks))
                {
                    var request = new RemoveStackRequest { Name = stack };
                    removed.AddRange((await client.Call($"remove stack '{stack}'", (control, call) => control.RemoveStackAsync(request, call), cancel)).Services);
                }
                Changes.Print(context, show, [.. removed.Select(ChangeLine.Of)], change => $"service {change.Name} {change.Change}");
                return await new ServiceWait(context, client, wait.Read(parse)).Run(
                    [.. removed.Select(change => new Awaited(change.Id, change.Name, AwaitedEnd.Removed, true))],
                    "berth stack ls", cancel);
            });
    }
}
