using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class StackCommandsTests
{
    private static readonly StackSpec Shop = AStack("shop", ASpec("shop_web"), ASpec("shop_db", "db:15"));
    private static readonly ClusterState Deployed = ClusterState.Empty.After(ANode(1), new Command.DeployStack(Shop, false)).WithTasks("shop_web", 2);

    [Fact]
    public void A_stack_is_one_commit_and_its_services_carry_its_label()
    {
        Assert.Equal(2, Deployed.Stacks["shop"].Version);
        Assert.All(Deployed.Services.Values, service => Assert.Equal(("shop", 2), (service.Stack, service.Version)));
    }

    [Fact]
    public void The_same_stack_twice_changes_nothing()
    {
        var decision = Decide(Deployed, new Command.DeployStack(Shop, false));
        Assert.Empty(decision.Changes);
        Assert.All(Result(decision).Services, outcome => Assert.Equal(ServiceOutcomeKind.Unchanged, outcome.Kind));
    }

    [Fact]
    public void What_the_file_no_longer_has_is_removed_with_its_tasks()
    {
        var decision = Decide(Deployed, new Command.DeployStack(AStack("shop", Shop.Services[1], ASpec("shop_new")), false));
        Assert.Equal(
            [("shop_db", ServiceOutcomeKind.Unchanged), ("shop_new", ServiceOutcomeKind.Created), ("shop_web", ServiceOutcomeKind.Removed)],
            Result(decision).Services.Select(outcome => (outcome.Name, outcome.Kind)));
        Assert.Equal(2, decision.Changes.OfType<Change.TaskDesired>().Count(desired => desired.DesiredState == TaskState.Remove));
    }

    [Fact]
    public void Orphans_stay_when_asked()
    {
        var state = Deployed.After(new Command.DeployStack(AStack("shop", Shop.Services[1]), true));
        Assert.NotNull(state.FindService("shop_web"));
    }

    [Fact]
    public void Services_of_others_are_never_touched()
    {
        var state = Deployed.After(new Command.CreateService(ASpec("alone")), new Command.DeployStack(AStack("blog", ASpec("blog_web")), false));
        var after = state.After(new Command.RemoveStack("shop"));
        Assert.Equal(["alone", "blog_web"], after.ServiceNames.Keys.Order());
        Assert.Equal(["blog"], after.Stacks.Keys);
    }

    [Fact]
    public void A_name_that_is_taken_outside_the_stack_refuses_all()
    {
        var state = ClusterState.Empty.After(new Command.CreateService(ASpec("shop_db")));
        var decision = Decide(state, new Command.DeployStack(Shop, false));
        Assert.Equal(RefusalReason.Exists, decision.Refusal!.Reason);
        Assert.Empty(decision.Changes);
    }

    [Fact]
    public void A_service_keeps_its_mode() =>
        Assert.Equal(RefusalReason.Conflict, Decide(Deployed, new Command.DeployStack(AStack("shop", AGlobalSpec("shop_web")), false)).Refusal!.Reason);

    [Fact]
    public void A_forced_update_is_not_undone_by_the_file()
    {
        var forced = Deployed.FindService("shop_web")!.Spec;
        forced = forced with { Task = forced.Task with { ForceUpdate = 3 } };
        var state = Deployed.After(new Command.UpdateService("shop_web", 0, forced));
        Assert.Empty(Decide(state, new Command.DeployStack(Shop, false)).Changes);
    }

    [Fact]
    public void An_unknown_stack_cannot_be_removed() =>
        Assert.Equal(RefusalReason.NotFound, Decide(Deployed, new Command.RemoveStack("shopp")).Refusal!.Reason);

    private static Decision Decide(ClusterState state, Command command) => Commands.Decide(state, command, Noon.AddMinutes(1), IdSource.Seeded(1));

    private static CommandResults.StackDeployed Result(Decision decision) => Assert.IsType<CommandResults.StackDeployed>(decision.Result);
}
