using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class ProgressTests
{
    private static readonly DateTimeOffset Later = Cluster.Start.AddHours(1);

    private static V1.ServiceProgress OfService(ClusterState state, int id) =>
        Progress.OfService(state, Cluster.ServiceId(id), "gone", Later).Shown;

    [Fact]
    public void A_service_whose_tasks_all_run_has_converged_and_shows_the_newest_of_each_slot()
    {
        var shown = OfService(
            new Cluster().Node(1, "n1").Service(1, "web", 2)
                .Task(1, 1, 1, 1, TaskState.Failed).Task(2, 1, 1, 1).Task(3, 1, 2, 1).State,
            1);
        Assert.Equal((V1.ServiceProgress.Types.Verdict.Converged, 2, 2), (shown.Verdict, shown.Running, shown.Desired));
        Assert.Equal([("web.1", Cluster.TaskId(2).ToString()), ("web.2", Cluster.TaskId(3).ToString())],
            shown.Tasks.Select(row => (row.Name, row.Task.Id)));
        Assert.All(shown.Tasks, row => Assert.Null(row.Task.Spec));
    }

    [Fact]
    public void A_service_that_waits_says_for_what()
    {
        var shown = OfService(
            new Cluster().Service(1, "web").Task(1, 1, 1, null, TaskState.Pending,
                edit: task => task with { Status = task.Status with { Err = "no suitable node: 2 drained" } }).State,
            1);
        Assert.Equal(V1.ServiceProgress.Types.Verdict.Converging, shown.Verdict);
        Assert.Contains("no suitable node: 2 drained", shown.Reason);
    }

    [Fact]
    public void A_removed_service_keeps_its_name_until_its_tasks_are_gone()
    {
        var shown = OfService(new Cluster().Node(1, "n1").Task(1, 9, 1, 1, desired: TaskState.Remove).State, 9);
        Assert.Equal(("gone", V1.ServiceProgress.Types.Verdict.Converging), (shown.Name, shown.Verdict));
        Assert.Equal(V1.ServiceProgress.Types.Verdict.Removed, OfService(ClusterState.Empty, 9).Verdict);
    }

    [Fact]
    public void When_rows_are_cut_those_that_do_not_run_are_kept()
    {
        var cluster = new Cluster().Node(1, "n1").Service(1, "web", Progress.MostRows + 1);
        for (var slot = 1; slot <= Progress.MostRows + 1; slot++)
            cluster.Task(slot, 1, slot, 1, slot == Progress.MostRows + 1 ? TaskState.Preparing : TaskState.Running);
        var rows = OfService(cluster.State, 1).Tasks;
        Assert.Equal(Progress.MostRows, rows.Count);
        Assert.Equal(V1.TaskState.Preparing, rows[^1].Task.Status.State);
    }

    [Fact]
    public void A_node_is_empty_when_nothing_on_it_goes_on()
    {
        var state = new Cluster().Node(1, "n1", availability: NodeAvailability.Drain).Service(1, "web")
            .Task(1, 1, 1, 1, TaskState.Shutdown, TaskState.Shutdown).State;
        Assert.True(Progress.OfDrain(state, Cluster.NodeId(1), Later).Shown.Empty);
        Assert.True(Progress.OfDrain(state, Cluster.NodeId(5), Later).Shown.Empty);
    }

    [Fact]
    public void A_node_that_still_has_tasks_names_them_and_why()
    {
        var shown = Progress.OfDrain(
            new Cluster().Node(1, "n1").Service(1, "web", 2).Task(1, 1, 1, 1).Task(2, 1, 2, 1).State, Cluster.NodeId(1), Later).Shown;
        Assert.False(shown.Empty);
        Assert.Equal(["web.1", "web.2"], shown.Tasks.Select(row => row.Name));
        Assert.StartsWith("2 tasks are left on n1: n1 is not being drained", shown.Reason);
    }

    [Fact]
    public void A_node_that_is_down_counts_as_empty_once_its_tasks_are_given_up()
    {
        var shown = Progress.OfDrain(
            new Cluster().Node(1, "n1", NodeState.Down).Service(1, "web").Task(1, 1, 1, 1, desired: TaskState.Shutdown).State,
            Cluster.NodeId(1), Later).Shown;
        Assert.True(shown.Empty);
        Assert.Contains("n1 is down", shown.Reason);
    }
}
