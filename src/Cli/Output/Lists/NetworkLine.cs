using Berth.Protocol.V1;

namespace Berth.Cli.Output.Lists;

/// <summary>A row of <c>network ls</c>.</summary>
internal sealed record NetworkLine(
    string ID, string Name, string Driver, string Scope, string Subnet, bool Internal, bool Attachable, int Services, int Nodes, string? Stack)
{
    private const string StackLabel = "com.docker.stack.namespace";

    /// <summary>How networks are listed.</summary>
    public static Listing<NetworkLine> Listing(bool noTrunc) => new(
        [
            new("NETWORK ID", row => noTrunc ? row.ID : Short.Id(row.ID)),
            new("NAME", row => row.Name),
            new("DRIVER", row => row.Driver),
            new("SCOPE", row => row.Scope),
            new("SUBNET", row => row.Subnet),
        ],
        row => row.ID,
        () => ListJson.Default.NetworkLine);

    /// <summary>The row of a network.</summary>
    public static NetworkLine Of(NetworkSummary summary)
    {
        var (network, spec) = (summary.Network, summary.Network.Spec);
        return new NetworkLine(
            network.Id, spec.Name, spec.Driver, "swarm", network.Subnet, spec.Internal, spec.Attachable, summary.Services.Count, summary.Nodes.Count,
            spec.Labels.TryGetValue(StackLabel, out var stack) ? stack : null);
    }
}
