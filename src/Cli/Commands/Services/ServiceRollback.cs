using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service rollback</c>.</summary>
internal static class ServiceRollback
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var wait = new WaitFlags();
        var format = Changes.Format();
        var name = Naming.Service();
        return new BerthCommand("rollback", "Revert changes to a service's configuration", "berth service rollback web")
            .With([.. wait.Options, format])
            .With(name)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var service = parse.GetRequiredValue(name);
                var changed = await Send(client, service, cancel);
                Changes.Print(context, show, [ChangeLine.Of(changed, "updated")], _ => service);
                return await new ServiceWait(context, client, wait.Read(parse)).Run(
                    [new Awaited(changed.Service.Id, changed.Service.Spec.Name, AwaitedEnd.RolledBack, changed.ReplacesTasks)],
                    $"berth service ps {service}", cancel);
            });
    }

    /// <summary>Asks for the rollback.</summary>
    public static Task<ServiceChanged> Send(ManagerClient client, string service, CancellationToken cancel)
    {
        var request = new RollbackServiceRequest { Service = service };
        return client.Call($"roll back service '{service}'", (control, call) => control.RollbackServiceAsync(request, call), cancel);
    }
}
