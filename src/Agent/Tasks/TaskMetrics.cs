using System.Diagnostics.Metrics;
using Berth.Agent.Engine;
using Berth.Model;
using Berth.Telemetry;

namespace Berth.Agent.Tasks;

/// <summary>What the keeper counts.</summary>
public static class TaskMetrics
{
    private static readonly Counter<double> Reached = BerthMeter.Counter("berth.tasks.reached", "Tasks of this node that came to a state, by state.");
    private static readonly Histogram<double> StartDuration = BerthMeter.LongDuration(
        "berth.task.start.duration", "From a task's arrival at this node, or from when it was told to run, until it runs and is healthy.");

    private static readonly Counter<double> Local = BerthMeter.Counter("berth.tasks.local_restarts", "Tasks this agent made itself because one ended while no manager was there.");

    /// <summary>Shows how many tasks there are whenever the page is read.</summary>
    public static void Show(MetricsPage page, TaskBoard board, EngineHealth health)
    {
        page.Observe("berth.tasks", MetricKind.Gauge, "Tasks this node holds, by what they are to become and how far they have come.", () => board.Tasks.Values
            .CountBy(task => (task.Assignment.Desired, task.State))
            .Select(group => new Measurement<double>(group.Value, [new("desired", group.Key.Desired.Word()), new("state", group.Key.State.Word())])));
        page.Observe("berth.containers", MetricKind.Gauge, "Containers of this node's tasks, by phase.", () => board.Tasks.Values
            .Where(task => task.Phase != ContainerPhase.None).CountBy(task => task.Phase)
            .Select(group => new Measurement<double>(group.Value, [new("phase", group.Key.ToString().ToLowerInvariant())])));
        page.Observe("berth.engine.up", MetricKind.Gauge, "1 while the engine answers, else 0.", () => health is { Facts: not null, Trouble: null } ? 1 : 0);
    }

    /// <summary>A task changed.</summary>
    /// <param name="before">As it was.</param>
    /// <param name="after">As it is.</param>
    /// <param name="waited">How long this agent has been meant to run it.</param>
    public static void Changed(HeldTask before, HeldTask after, TimeSpan waited)
    {
        if (before.State == after.State)
            return;
        Reached.Add(1, new KeyValuePair<string, object?>("state", after.State.Word()));
        if (after.State == TaskState.Running)
            StartDuration.Record(waited.TotalSeconds);
    }

    /// <summary>The agent made a task itself.</summary>
    public static void RestartedLocally() => Local.Add(1);
}
