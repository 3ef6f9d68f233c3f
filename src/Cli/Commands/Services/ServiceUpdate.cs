using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service update</c>.</summary>
internal static class ServiceUpdate
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var flags = new ServiceFlags(isUpdate: true, context.Environment);
        var rollback = Flag.Switch("--rollback", "Rollback to previous specification");
        var wait = new WaitFlags();
        var format = Changes.Format();
        var name = Naming.Service();
        return new BerthCommand("update", "Update a service",
            "berth service update --image nginx:1.28 web",
            "berth service update --env-add LEVEL=debug --env-rm OLD --update-parallelism 2 web",
            "berth service update --network-add back --publish-add 8443:443 web",
            "berth service update --force web",
            "berth service update --rollback web")
            .With([.. flags.Options, rollback, .. wait.Options, format])
            .With(name)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var service = parse.GetRequiredValue(name);
                var isRollback = parse.GetValue(rollback);
                if (isRollback && flags.Options.FirstOrDefault(parse.Given) is { } other)
                    throw UserError.Usage($"--rollback conflicts with {other.Name}", "roll back first, then update");
                var changed = isRollback
                    ? await ServiceRollback.Send(client, service, cancel)
                    : await Send(client, service, (spec, idOf) => flags.Update(parse, spec, idOf), cancel);
                Changes.Print(context, show, [ChangeLine.Of(changed, "updated")], _ => service);
                return await new ServiceWait(context, client, wait.Read(parse)).Run(
                    [new Awaited(changed.Service.Id, changed.Service.Spec.Name, isRollback ? AwaitedEnd.RolledBack : AwaitedEnd.Converged, changed.ReplacesTasks)],
                    $"berth service ps {service}", cancel);
            });
    }

    // The version that was read goes back with the new spec: what somebody else changed meanwhile is not overwritten.
    private static async Task<ServiceChanged> Send(ManagerClient client, string service, Func<Model.ServiceSpec, Func<string, string>, Model.ServiceSpec> edit, CancellationToken cancel)
    {
        var doing = $"update service '{service}'";
        var get = new GetServiceRequest { Service = service };
        var current = (await client.AskNewest(doing, (control, call) => control.GetServiceAsync(get, call), cancel)).Service;
        // A spec names networks by their ids, and people by their names.
        var networks = current.Spec.Task.Networks.Count == 0
            ? []
            : (await client.Ask(doing, (control, call) => control.ListNetworksAsync(new ListNetworksRequest(), call), cancel)).Networks
                .ToDictionary(network => network.Network.Spec.Name, network => network.Network.Id, StringComparer.Ordinal);
        var spec = edit(current.Spec.ToModel(), name => networks.GetValueOrDefault(name, name));
        var request = new UpdateServiceRequest { Id = current.Id, Version = current.Version, Spec = spec.ToWire() };
        return await client.Call(doing, (control, call) => control.UpdateServiceAsync(request, call), cancel);
    }
}
