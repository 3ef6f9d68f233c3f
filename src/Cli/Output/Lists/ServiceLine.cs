using Berth.Docker;
using Berth.Protocol.V1;

namespace Berth.Cli.Output.Lists;

/// <summary>A row of <c>service ls</c>.</summary>
internal sealed record ServiceLine(
    string ID, string Name, string Mode, string Replicas, string Image, string Ports, int Running, int Desired, string? UpdateState, string? Stack)
{
    private const string StackLabel = "com.docker.stack.namespace";

    /// <summary>How services are listed.</summary>
    public static Listing<ServiceLine> Listing(bool noTrunc) => new(
        [
            new("ID", row => noTrunc ? row.ID : Short.Id(row.ID)),
            new("NAME", row => row.Name),
            new("MODE", row => row.Mode),
            new("REPLICAS", row => row.Replicas),
            new("IMAGE", row => noTrunc ? row.Image : Short.Image(row.Image)),
            new("PORTS", row => row.Ports),
        ],
        row => row.ID,
        () => ListJson.Default.ServiceLine);

    /// <summary>The row of a service.</summary>
    public static ServiceLine Of(ServiceSummary summary)
    {
        var spec = summary.Service.Spec;
        var most = spec.Task.Placement?.MaxReplicasPerNode ?? 0;
        var rollout = summary.Service.Rollout is { } last ? DockerObjectMapper.Word(last.State) : null;
        return new ServiceLine(
            summary.Service.Id,
            spec.Name,
            spec.ModeCase == ServiceSpec.ModeOneofCase.Global ? "global" : "replicated",
            $"{summary.Running}/{summary.Desired}{(most > 0 ? $" (max {most} per node)" : "")}",
            spec.Task.Container.Image,
            Short.Ports(summary.Service),
            summary.Running,
            summary.Desired,
            rollout is { Length: > 0 } ? rollout : null,
            spec.Labels.TryGetValue(StackLabel, out var stack) ? stack : null);
    }
}
