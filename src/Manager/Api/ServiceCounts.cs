using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Manager.Updates;
using Berth.Model;

namespace Berth.Manager.Api;

/// <summary>The two numbers of REPLICAS.</summary>
internal static class ServiceCounts
{
    /// <summary>Tasks that run, on nodes that are not down.</summary>
    public static int Running(ClusterState state, ServiceId service) =>
        state.TasksOf(service).Count(state.CountsAsRunning);

    /// <summary>Replicas asked for; for a global service the nodes it covers.</summary>
    public static int Desired(ClusterState state, Service service) =>
        service.Replicas ?? SlotPlan.Of(ServiceView.Of(state, service)).Wanted.Count;
}
