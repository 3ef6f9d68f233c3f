using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output.Lists;
using Berth.Docker;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Networks;

/// <summary><c>berth network</c>.</summary>
internal static class NetworkCommands
{
    private static readonly string[] Known = ["id", "name", "label", "driver", "scope"];

    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("network", "Manage networks").With(named,
        ("create", () => NetworkCreate.Build(context)),
        ("ls", () => List(context)),
        ("inspect", () => Inspect(context)),
        ("rm", () => Remove(context)),
        ("prune", () => Prune(context)));

    /// <summary>Whether a network passes: ids and names by their beginning, as with nodes.</summary>
    public static bool Matches(Filters filters, NetworkSummary summary) =>
        filters.Allow("id", id => summary.Network.Id.StartsWith(id, StringComparison.Ordinal))
        && filters.Allow("name", name => summary.Network.Spec.Name.Contains(name, StringComparison.Ordinal))
        && filters.Allow("driver", driver => summary.Network.Spec.Driver == driver)
        && filters.Allow("scope", scope => scope == "swarm")
        && filters.AllowLabel("label", summary.Network.Spec.Labels);

    private static BerthCommand List(CommandContext context)
    {
        var filter = Filters.Flag(Known);
        var format = Flag.Format();
        var quiet = Flag.Switch("--quiet", "Only display network IDs", "-q");
        var noTrunc = Flag.Switch("--no-trunc", "Do not truncate the output");
        return new BerthCommand("ls", "List networks", "berth network ls", "berth network ls --filter label=tier=front", "berth network ls --format '{{.Name}} {{.Subnet}}'")
            .Alias("list")
            .With(filter, format, quiet, noTrunc)
            .Does(context, async (parse, client, cancel) =>
            {
                var filters = Filters.Parse(parse.GetValue(filter) ?? [], Known);
                var show = parse.ListFormat(format);
                NetworkLine[] lines = [.. (await All(client, cancel)).Where(network => Matches(filters, network)).Select(NetworkLine.Of)];
                NetworkLine.Listing(parse.GetValue(noTrunc)).Print(context.Terminal, lines, show, parse.GetValue(quiet));
                return Output.ExitCode.Done;
            });
    }

    private static Command Inspect(CommandContext context) => Inspection.Build(
        context,
        new BerthCommand("inspect", "Display detailed information on one or more networks", "berth network inspect front", "berth network inspect --format '{{.Scope}}' front"),
        Naming.Networks(),
        DockerJson.Default.DockerNetworkResource,
        async (client, name, cancel) =>
        {
            var request = new GetNetworkRequest { Network = name };
            return (await client.Ask($"inspect network '{name}'", (control, call) => control.GetNetworkAsync(request, call), cancel)).ToDocker();
        });

    private static BerthCommand Remove(CommandContext context)
    {
        var names = Naming.Networks();
        return new BerthCommand("rm", "Remove one or more networks that nothing uses", "berth network rm front", "berth network rm front back")
            .Alias("remove")
            .With(names)
            .Does(context, async (parse, client, cancel) =>
            {
                var request = new RemoveNetworksRequest();
                request.Networks.AddRange(parse.GetRequiredValue(names));
                await client.Call($"remove network '{string.Join("', '", request.Networks)}'", (control, call) => control.RemoveNetworksAsync(request, call), cancel);
                foreach (var name in request.Networks)
                    context.Terminal.Out.WriteLine(name);
                return Output.ExitCode.Done;
            });
    }

    // A program that removes what nobody uses is not asked whether it is sure: what is in use is refused in any case.
    private static BerthCommand Prune(CommandContext context)
    {
        var filter = Filters.Flag("label");
        var force = Flag.Switch("--force", "For Docker's scripts: there is no question to answer", "-f");
        return new BerthCommand("prune", "Remove all networks that nothing uses", "berth network prune", "berth network prune --filter label=temporary")
            .With(filter, force)
            .Does(context, async (parse, client, cancel) =>
            {
                var filters = Filters.Parse(parse.GetValue(filter) ?? [], "label");
                var request = new RemoveNetworksRequest();
                request.Networks.AddRange((await All(client, cancel))
                    .Where(network => network.Services.Count + network.Nodes.Count == 0 && !network.Network.Leaving && filters.AllowLabel("label", network.Network.Spec.Labels))
                    .Select(network => network.Network.Spec.Name));
                if (request.Networks.Count == 0)
                {
                    context.Terminal.Note("every network is in use");
                    return Output.ExitCode.Done;
                }
                await client.Call("remove unused networks", (control, call) => control.RemoveNetworksAsync(request, call), cancel);
                context.Terminal.Note("Deleted Networks:");
                foreach (var name in request.Networks)
                    context.Terminal.Out.WriteLine(name);
                return Output.ExitCode.Done;
            });
    }

    private static async Task<IReadOnlyList<NetworkSummary>> All(ManagerClient client, CancellationToken cancel) =>
        (await client.Ask("list networks", (control, call) => control.ListNetworksAsync(new ListNetworksRequest(), call), cancel)).Networks;
}
