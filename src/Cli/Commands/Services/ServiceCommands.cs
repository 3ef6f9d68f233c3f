using System.CommandLine;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service</c>.</summary>
internal static class ServiceCommands
{
    /// <summary>The command and those below it.</summary>
    public static Command Build(CommandContext context) => new BerthCommand("service", "Manage services").With(
        ServiceCreate.Build(context), ServiceList.Build(context), ServicePs.Build(context), ServiceInspect.Build(context),
        ServiceUpdate.Build(context), ServiceScale.Build(context), ServiceRollback.Build(context), LogsCommand.OfService(context),
        ServiceRemove.Build(context));
}
