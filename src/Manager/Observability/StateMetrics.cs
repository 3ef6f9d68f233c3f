using System.Diagnostics.Metrics;
using Berth.Manager.Scheduling;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;

namespace Berth.Manager.Observability;

/// <summary>What a manager knows of the cluster, as numbers. Every manager shows what it has seen, so a sum over managers counts twice.</summary>
internal static class StateMetrics
{
    /// <summary>Shows the state whenever the page is read.</summary>
    public static void Show(MetricsPage page, IClusterView view)
    {
        page.Observe("berth.index", MetricKind.Gauge, "Newest commit this manager has seen.", () => view.Current.Index);
        page.Observe("berth.epoch", MetricKind.Gauge, "Term of the newest commit this manager has seen.", () => view.Current.Epoch);
        page.Observe("berth.services", MetricKind.Gauge, "Services.", () => view.Current.Services.Count);
        page.Observe("berth.nodes", MetricKind.Gauge, "Nodes by whether they can be reached and what may be placed on them.", () => Nodes(view.Current));
        page.Observe("berth.tasks", MetricKind.Gauge, "Tasks by what they are to become and how far they have come.", () => Tasks(view.Current));
        page.Observe("berth.tasks.pending", MetricKind.Gauge, "Tasks without a node, by why they wait.", () => Pending(view.Current));
        page.Observe("berth.rollouts", MetricKind.Gauge, "Services by the state of their last rollout.", () => Rollouts(view.Current));
    }

    internal static IEnumerable<Measurement<double>> Nodes(ClusterState state) => state.Nodes.Values
        .GroupBy(node => (node.Status.State, node.Spec.Availability))
        .Select(group => Of(group.Count(), new("state", Word(group.Key.State)), new("availability", Word(group.Key.Availability))));

    internal static IEnumerable<Measurement<double>> Tasks(ClusterState state) => state.Tasks.Values
        .GroupBy(task => (task.DesiredState, task.State))
        .Select(group => Of(group.Count(), new("desired", group.Key.DesiredState.Word()), new("state", group.Key.State.Word())));

    // All words at all times: an alert on a series that comes and goes is hard to write.
    internal static IEnumerable<Measurement<double>> Pending(ClusterState state)
    {
        var byReason = state.Unassigned.Select(id => state.Tasks.GetValueOrDefault(id)).OfType<ServiceTask>()
            .Where(task => task.IsLive).CountBy(PendingReason.Of).ToDictionary();
        return PendingReason.All.Select(reason => Of(byReason.GetValueOrDefault(reason), new KeyValuePair<string, object?>("reason", reason)));
    }

    internal static IEnumerable<Measurement<double>> Rollouts(ClusterState state) => state.Services.Values
        .Where(service => service.Rollout is not null)
        .CountBy(service => service.Rollout!.State)
        .Select(group => Of(group.Value, new KeyValuePair<string, object?>("state", Word(group.Key))));

    private static Measurement<double> Of(double value, params ReadOnlySpan<KeyValuePair<string, object?>> labels) => new(value, labels);

    // RollbackStarted → rollback_started
    private static string Word<T>(T value)
        where T : struct, Enum =>
        string.Concat(value.ToString().Select((letter, at) => char.IsUpper(letter) && at > 0 ? $"_{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
