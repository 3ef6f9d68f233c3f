using System.Diagnostics.Metrics;
using Berth.Identity;
using Berth.Manager.Dispatch;
using Berth.Manager.Leadership;
using Berth.Manager.Peers;
using Berth.Manager.Replication;
using Berth.Manager.Store;
using Berth.Telemetry;

namespace Berth.Manager.Observability;

/// <summary>What a manager shows of itself.</summary>
internal static class ManagerMetrics
{
    /// <summary>Shows what every manager has.</summary>
    public static void Show(MetricsPage page, ILeadership leadership, AgentSessions sessions)
    {
        page.Observe("berth.leader", MetricKind.Gauge, "1 while this manager leads, else 0.", () => leadership.IsLeading ? 1 : 0);
        page.Observe("berth.lease.valid", MetricKind.Gauge, "1 while nobody else can have taken the lead from this manager, else 0.", () => leadership.HasValidLease ? 1 : 0);
        page.Observe("berth.leader.known", MetricKind.Gauge, "1 while this manager knows of a leader, be it itself, else 0.",
            () => leadership.IsLeading || leadership.Current.Holder is not null ? 1 : 0);
        page.Observe("berth.agents.connected", MetricKind.Gauge, "Agents whose session is at this manager.", () => sessions.Count);
    }

    /// <summary>Shows what a manager of a cluster has besides.</summary>
    public static void Show(MetricsPage page, IStandbys standbys, PeerDirectory peers, PeerSightings sightings, IClusterView view, TlsIdentity identity)
    {
        page.Observe("berth.standby.lag", MetricKind.Gauge, "At the leader: commits that a standby has not said it holds. A standby says so every quarter of a second.",
            () => standbys.All.Select(standby => new Measurement<double>(
                Math.Max(0, view.Current.Index - standby.Index), new KeyValuePair<string, object?>("standby", peers.NameOf(standby.Node).Trim('\'')))));
        page.Observe("berth.managers", MetricKind.Gauge, "Managers of the cluster, this one included.", () => peers.All.Length);
        page.Observe("berth.managers.reachable", MetricKind.Gauge, "Managers that this one can reach, itself included.",
            () => peers.All.Length - peers.Others.Count(manager => sightings.Find(manager.Node) is not { IsReachable: true }));
        page.Observe("berth.certificate.not_after", MetricKind.Gauge, "When this process's certificate expires, Unix time.",
            () => identity.Current is { } current ? [new Measurement<double>(current.Subject.NotAfter.ToUnixTimeSeconds())] : [], "s");
    }
}
