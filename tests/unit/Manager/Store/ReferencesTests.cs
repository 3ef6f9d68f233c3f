using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class ReferencesTests
{
    private static readonly ClusterState State = ClusterState.Empty
        .After(ANode(1), new Command.CreateService(ASpec("web")), new Command.CreateService(ASpec("db"))).WithTasks("web", 3);

    [Fact]
    public void An_id_a_name_and_a_prefix_find_the_same_service()
    {
        var web = State.FindService("web")!;
        var id = web.Id.ToString();
        Assert.All([id, "web", id[..6]], text => Assert.Same(web, References.Service(State, text).Value));
    }

    [Fact]
    public void A_prefix_of_two_ids_is_refused_with_both()
    {
        var state = ClusterState.Empty.Committed(
            new Change.ServicePut(ServiceRevisions.Create(new ServiceId(1), ASpec("one"), Noon)),
            new Change.ServicePut(ServiceRevisions.Create(new ServiceId(2), ASpec("two"), Noon)));
        var refused = References.Service(state, "000").Refusal!;
        Assert.Equal(RefusalReason.Conflict, refused.Reason);
        Assert.Contains("(one)", refused.Message);
        Assert.Contains("(two)", refused.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("web.")]
    [InlineData("WEB")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    public void What_names_nothing_is_not_found(string text) =>
        Assert.Equal(RefusalReason.NotFound, References.Service(State, text).Refusal!.Reason);

    [Fact]
    public void A_slot_names_its_newest_live_task()
    {
        var old = State.Tasks.Values.Single(task => task.Slot == 2);
        var replacement = new TaskId(77);
        var state = State.Committed(
            new Change.TaskEnded(old.Id, Status(TaskState.Failed)),
            new Change.TaskCreated(replacement, old.ServiceId, 2, null, 1, TaskState.Running, 1, null));
        Assert.Equal(replacement, References.Task(state, "web.2").Value!.Id);
        Assert.Equal(RefusalReason.NotFound, References.Task(state, "web.9").Refusal!.Reason);
    }
}
