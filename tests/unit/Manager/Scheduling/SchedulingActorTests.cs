using System.Diagnostics;
using Akka.Actor;
using Berth.Manager.Scheduling;
using Berth.Manager.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Manager.Scheduling;

public sealed class SchedulingActorTests : ActorTest
{
    private readonly SchedulingScene _scene = new();
    private readonly IActorRef _actor;

    public SchedulingActorTests()
    {
        _actor = Sys.ActorOf(Props.Create(() => new SchedulingActor(
            new KnownActor<StoreActor>(TestActor), TimeProvider.System, NullLogger<SchedulingActor>.Instance)));
        ExpectMsg<StoreProtocol.Subscribe>();
    }

    [Fact]
    public void It_places_what_waits_and_tries_again_when_a_node_comes()
    {
        var task = _scene.Task(_scene.Service("web"), 1);
        Publish(Touched.Everything);
        var explained = ExpectMsg<StoreProtocol.Propose>();
        Assert.True(explained.Partial);
        Assert.IsType<Change.TaskObserved>(Assert.Single(explained.Changes));
        _scene.Observe([.. explained.Changes]);
        Publish(Touched.Nothing with { Tasks = [task] });
        _actor.Tell(new StoreProtocol.Committed(_scene.State.Index, 0));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        var node = _scene.Node("a");
        Publish(Touched.Nothing with { Nodes = [node] });
        Assert.Equal(new Change.TaskAssigned(task, node), Assert.Single(ExpectMsg<StoreProtocol.Propose>().Changes));
    }

    [Fact]
    public void A_pass_that_fails_is_tried_again_a_few_times_a_second_and_not_in_a_storm()
    {
        _scene.Task(_scene.Service("web"), 1);
        var failing = Sys.ActorOf(Props.Create(() => new SchedulingActor(
            new KnownActor<StoreActor>(TestActor), new NoClock(), NullLogger<SchedulingActor>.Instance)));
        var tries = 0;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(1.2) || (tries < 2 && watch.Elapsed < TimeSpan.FromSeconds(30));)
        {
            if (ReceiveOne(TimeSpan.FromMilliseconds(20)) is not StoreProtocol.Subscribe)
                continue;
            tries++;
            failing.Tell(new StoreProtocol.StateChanged(_scene.State, Touched.Everything));
        }
        Assert.InRange(tries, 2, 5);     // half a second apart
    }

    private sealed class NoClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException("a bug, as a test has it");
    }

    [Fact]
    public void One_proposal_is_under_way_at_a_time_and_what_came_meanwhile_follows()
    {
        _scene.Node("a");
        var web = _scene.Service("web");
        var first = _scene.Task(web, 1);
        Publish(Touched.Everything);
        var proposed = ExpectMsg<StoreProtocol.Propose>();
        var second = _scene.Task(web, 2);
        Publish(Touched.Nothing with { Tasks = [second] });
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        _scene.Commit([.. proposed.Changes]);
        Publish(Touched.Nothing with { Tasks = [first] });
        _actor.Tell(new StoreProtocol.Committed(_scene.State.Index, 0));
        Assert.Equal(second, Assert.IsType<Change.TaskAssigned>(Assert.Single(ExpectMsg<StoreProtocol.Propose>().Changes)).Id);
    }

    [Fact]
    public void What_was_left_out_is_decided_again_on_the_state_that_follows_and_never_on_the_same()
    {
        _scene.Node("a");
        _scene.Task(_scene.Service("web"), 1);
        Publish(Touched.Everything);
        var first = ExpectMsg<StoreProtocol.Propose>();
        _actor.Tell(new StoreProtocol.Committed(_scene.State.Index, LeftOut: 1));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        _scene.Commit();
        Publish(Touched.Nothing);
        Assert.Equal(first.Changes.AsEnumerable(), ExpectMsg<StoreProtocol.Propose>().Changes);
    }

    private void Publish(Touched touched) => _actor.Tell(new StoreProtocol.StateChanged(_scene.State, touched));
}
