using Berth.Manager.Identity;
using Berth.Model;

namespace Berth.Manager.Peers;

/// <summary>What <c>berth cluster status</c> says of the other managers.</summary>
internal sealed class ReportedSightings(PeerSightings sightings) : IManagerSightings
{
    public (string Reachability, long Index, string Version, string StoreMember) Of(NodeId manager) => sightings.Find(manager) switch
    {
        null => ("unknown", 0, "", ""),
        { IsReachable: true, Last: { } last } => ("reachable", last.Index, last.Version, ""),
        { Last: var last } => ("unreachable", last?.Index ?? 0, last?.Version ?? "", ""),
    };
}
