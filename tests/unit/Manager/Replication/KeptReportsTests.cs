using Berth.Manager.Replication;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Tests.Manager.Store;

namespace Berth.Tests.Manager.Replication;

public sealed class KeptReportsTests
{
    private static readonly ClusterState State =
        ClusterState.Empty.After(Samples.ANode(1), new Command.CreateService(Samples.ASpec())).WithTasks("web", 2);

    private readonly KeptReports _kept = new();
    private readonly TaskId _task = State.Tasks.Keys.First();

    [Fact]
    public void A_report_is_kept_until_a_leader_has_published_it()
    {
        _kept.Add(Report(TaskState.Failed));
        _kept.Drop(State, Touched.Everything);
        Assert.Equal(TaskState.Failed, Assert.Single(Assert.Single(_kept.All()).Reports).Status.State);

        _kept.Drop(State.Committed(new Change.TaskEnded(_task, Samples.Status(TaskState.Failed))), new Touched(false, [], [], [_task]));
        Assert.Empty(_kept.All());
    }

    [Fact]
    public void Only_the_latest_of_a_task_is_kept_and_what_comes_late_changes_nothing()
    {
        _kept.Add(Report(TaskState.Running));
        _kept.Add(Report(TaskState.Failed));
        _kept.Add(Report(TaskState.Running));
        Assert.Equal(TaskState.Failed, Assert.Single(Assert.Single(_kept.All()).Reports).Status.State);
    }

    [Fact]
    public void Reports_of_tasks_that_are_gone_or_elsewhere_are_not_kept()
    {
        _kept.Add(Report(TaskState.Failed));
        _kept.Add(new StoreProtocol.Observe(new NodeId(9), [(State.Tasks.Keys.Last(), Samples.Status(TaskState.Failed))]));
        _kept.Drop(State.Committed(new Change.TaskRemoved(_task)), Touched.Everything);
        Assert.Equal(0, _kept.Count);
    }

    private StoreProtocol.Observe Report(TaskState state) => new(new NodeId(1), [(_task, Samples.Status(state))]);
}
