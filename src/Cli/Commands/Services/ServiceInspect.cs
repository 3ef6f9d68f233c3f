using System.CommandLine;
using Berth.Docker;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service inspect</c>.</summary>
internal static class ServiceInspect
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context) => Inspection.Build(
        context,
        new BerthCommand("inspect", "Display detailed information on one or more services",
            "berth service inspect web", "berth service inspect --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}' web"),
        Naming.Services(),
        DockerJson.Default.DockerService,
        async (client, name, cancel) =>
        {
            var request = new GetServiceRequest { Service = name };
            return (await client.Ask($"inspect service '{name}'", (control, call) => control.GetServiceAsync(request, call), cancel)).ToDocker();
        });
}
