using System.CommandLine;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service rm</c>.</summary>
internal static class ServiceRemove
{
    /// <summary>The command. All services are removed in one commit; it waits until their tasks are gone.</summary>
    public static Command Build(CommandContext context)
    {
        var wait = new WaitFlags();
        var format = Changes.Format();
        var names = Naming.Services();
        return new BerthCommand("rm", "Remove one or more services", "berth service rm web", "berth service rm --detach web worker")
            .Alias("remove")
            .With([.. wait.Options, format])
            .With(names)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var request = new RemoveServicesRequest();
                request.Services.AddRange(parse.GetRequiredValue(names));
                var answer = await client.Call($"remove service '{string.Join("', '", request.Services)}'",
                    (control, call) => control.RemoveServicesAsync(request, call), cancel);
                Changes.Print(context, show, [.. answer.Services.Select(ChangeLine.Of)], change => change.Name);
                return await new ServiceWait(context, client, wait.Read(parse)).Run(
                    [.. answer.Services.Select(change => new Awaited(change.Id, change.Name, AwaitedEnd.Removed, true))],
                    "berth node ps --filter desired-state=shutdown NODE", cancel);
            });
    }
}
