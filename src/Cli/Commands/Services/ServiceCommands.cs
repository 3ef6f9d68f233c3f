using System.CommandLine;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service</c>.</summary>
internal static class ServiceCommands
{
    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("service", "Manage services").With(named,
        ("create", () => ServiceCreate.Build(context)),
        ("ls", () => ServiceList.Build(context)),
        ("ps", () => ServicePs.Build(context)),
        ("inspect", () => ServiceInspect.Build(context)),
        ("update", () => ServiceUpdate.Build(context)),
        ("scale", () => ServiceScale.Build(context)),
        ("rollback", () => ServiceRollback.Build(context)),
        ("logs", () => LogsCommand.OfService(context)),
        ("rm", () => ServiceRemove.Build(context)));
}
