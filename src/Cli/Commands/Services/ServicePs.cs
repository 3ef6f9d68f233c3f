using System.CommandLine;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service ps</c>.</summary>
internal static class ServicePs
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var list = new TaskLists();
        var names = Naming.Services();
        return new BerthCommand("ps", "List the tasks of one or more services", "berth service ps web", "berth service ps --no-trunc --filter desired-state=running web worker")
            .With(list.Options)
            .With(names)
            .Does(context, (parse, client, cancel) =>
            {
                var request = new ListTasksRequest();
                request.Services.AddRange(parse.GetRequiredValue(names));
                return list.Print(context, parse, client, request, $"list the tasks of service '{string.Join("', '", request.Services)}'", cancel);
            });
    }
}
