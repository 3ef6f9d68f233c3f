using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class ServiceCommandsTests
{
    private static readonly ClusterState OneService = ClusterState.Empty.After(ANode(1), new Command.CreateService(ASpec())).WithTasks("web", 2);

    [Fact]
    public void A_created_service_has_task_spec_1_and_the_commits_version()
    {
        var service = OneService.FindService("web")!;
        Assert.Equal((1, 2), (service.SpecVersion, service.Version));
        Assert.Null(service.PreviousSpec);
    }

    [Fact]
    public void A_name_is_given_once() =>
        Assert.Equal(RefusalReason.Exists, Refusal(OneService, new Command.CreateService(ASpec())).Reason);

    [Fact]
    public void An_invalid_spec_is_refused_with_every_problem_on_its_line()
    {
        var refused = Refusal(OneService, new Command.CreateService(ASpec("-", "Web", -1)));
        Assert.Equal(RefusalReason.Invalid, refused.Reason);
        Assert.Equal(["name", "image", "deploy.replicas"], refused.Message.Split('\n').Select(line => line.Split(':')[0]));
    }

    [Fact]
    public void A_new_image_begins_a_rollout_of_the_slots_that_have_tasks()
    {
        var service = OneService.After(new Command.UpdateService("web", 0, ASpec(image: "web:2"))).FindService("web")!;
        Assert.Equal((2, 1), (service.SpecVersion, service.PreviousSpecVersion));
        Assert.Equal((RolloutState.Updating, 2), (service.Rollout!.State, service.Rollout.Slots));
    }

    [Fact]
    public void The_same_spec_changes_nothing()
    {
        var decision = Commands.Decide(OneService, new Command.UpdateService("web", 0, ASpec()), Noon, IdSource.Seeded(1));
        Assert.Empty(decision.Changes);
        Assert.Equal(ServiceOutcomeKind.Unchanged, Assert.Single(Outcomes(decision)).Kind);
    }

    [Fact]
    public void An_update_that_read_an_older_version_is_refused() =>
        Assert.Equal(RefusalReason.Conflict, Refusal(OneService, new Command.UpdateService("web", 1, ASpec(image: "web:2"))).Reason);

    [Fact]
    public void Name_and_mode_stay()
    {
        var refused = Refusal(OneService, new Command.UpdateService("web", 0, AGlobalSpec("other")));
        Assert.Equal(["name", "deploy.mode"], refused.Message.Split('\n').Select(line => line.Split(':')[0]));
    }

    [Fact]
    public void A_scale_replaces_no_task()
    {
        var service = OneService.After(new Command.ScaleServices([("web", 5)])).FindService("web")!;
        Assert.Equal((5, 1), (service.Replicas, service.SpecVersion));
        Assert.Null(service.Rollout);
    }

    [Theory]
    [InlineData("web", -1, RefusalReason.Invalid)]
    [InlineData("all", 2, RefusalReason.Conflict)]
    [InlineData("none", 2, RefusalReason.NotFound)]
    [InlineData("web", 1_000_000, RefusalReason.Invalid)]
    public void One_wrong_scale_refuses_all(string service, int replicas, RefusalReason reason)
    {
        var state = OneService.After(new Command.CreateService(AGlobalSpec("all")), new Command.CreateService(ASpec("db")));
        Assert.Equal(reason, Refusal(state, new Command.ScaleServices([("db", 3), (service, replicas)])).Reason);
    }

    [Fact]
    public void A_scale_during_a_rollout_keeps_the_spec_to_return_to()
    {
        var state = OneService.After(new Command.UpdateService("web", 0, ASpec(image: "broken:1")), new Command.ScaleServices([("web", 5)]));
        var back = ServiceRevisions.RollBack(state, state.FindService("web")!, Noon, "")!;
        Assert.Equal(("web:1", 1, 5), (back.Spec.Task.Container.Image, back.SpecVersion, back.Replicas));
    }

    [Fact]
    public void Two_rollbacks_return_to_where_one_was()
    {
        var updated = OneService.After(new Command.UpdateService("web", 0, ASpec(image: "web:2")));
        var once = updated.After(new Command.RollbackService("web"));
        var twice = once.After(new Command.RollbackService("web")).FindService("web")!;
        Assert.Equal(("web:1", 1), (once.FindService("web")!.Spec.Task.Container.Image, once.FindService("web")!.SpecVersion));
        Assert.Equal((updated.FindService("web")!.Spec, 2L), (twice.Spec, twice.SpecVersion));
        Assert.Equal(RolloutState.RollbackStarted, twice.Rollout!.State);
    }

    [Fact]
    public void Without_a_previous_spec_there_is_no_rollback() =>
        Assert.Equal(RefusalReason.Conflict, Refusal(OneService, new Command.RollbackService("web")).Reason);

    [Fact]
    public void A_task_spec_number_is_never_used_again()
    {
        var state = OneService.After(
            new Command.UpdateService("web", 0, ASpec(image: "web:2")), new Command.RollbackService("web"));
        var done = state.FindService("web")! with { Rollout = null };
        state = state.Committed(new Change.ServicePut(done)).After(
            new Command.ScaleServices([("web", 3)]), new Command.UpdateService("web", 0, ASpec(image: "web:3", replicas: 3)));
        Assert.Equal(3, state.FindService("web")!.SpecVersion);
    }

    [Fact]
    public void Removing_a_service_tells_all_its_tasks_to_go_ended_ones_too()
    {
        var ended = OneService.Tasks.Values.First();
        var state = OneService.Committed(new Change.TaskEnded(ended.Id, Status(TaskState.Failed)))
            .After(new Command.RemoveServices(["web", "web"]));
        Assert.Empty(state.Services);
        Assert.All(state.Tasks.Values, task => Assert.Equal(TaskState.Remove, task.DesiredState));
        Assert.Equal(2, state.Tasks.Count);
    }

    private static StoreProtocol.Refused Refusal(ClusterState state, Command command)
    {
        var decision = Commands.Decide(state, command, Noon, IdSource.Seeded(1));
        Assert.Empty(decision.Changes);
        return Assert.IsType<StoreProtocol.Refused>(decision.Refusal);
    }

    private static System.Collections.Immutable.ImmutableArray<ServiceOutcome> Outcomes(Decision decision) =>
        Assert.IsType<CommandResults.ServicesChanged>(decision.Result).Services;
}
