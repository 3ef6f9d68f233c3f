using System.Diagnostics;
using Akka.Actor;
using Akka.TestKit;
using Berth.Manager.Orchestration;
using Berth.Manager.Store;
using Berth.Model;

namespace Berth.Tests.Manager.Orchestration;

public sealed class OrchestrationActorTests : ActorTest
{
    private readonly TestProbe _store;
    private readonly IActorRef _orchestration;

    public OrchestrationActorTests()
    {
        _store = CreateTestProbe("store");
        _orchestration = Sys.ActorOf(Props.Create(() => new OrchestrationActor(_store.Ref, TimeProvider.System, IdSource.Seeded(1))));
        _store.ExpectMsg<StoreProtocol.Subscribe>();
    }

    [Fact]
    public void It_proposes_what_a_new_service_needs_and_is_silent_until_that_is_answered()
    {
        var world = World.Of(nodes: 1);
        world.Create(Specs.Web(3));
        Publish(world, Touched.Everything);

        var proposal = _store.ExpectMsg<StoreProtocol.Propose>();
        Assert.Equal((3, world.State.Index), (proposal.Changes.Length, proposal.BasedOn));

        Publish(world, Touched.Everything);
        _store.ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        world.Commit([.. proposal.Changes]);
        Publish(world, Touched.Everything);
        _orchestration.Tell(new StoreProtocol.Committed(world.State.Index, 0), _store.Ref);
        _store.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void A_decision_that_fails_is_tried_again_a_few_times_a_second_and_not_in_a_storm()
    {
        var world = World.Of(nodes: 1);
        world.Create(Specs.Web(1));
        var failing = Sys.ActorOf(Props.Create(() => new OrchestrationActor(_store.Ref, TimeProvider.System, new NoIds())));
        var tries = 0;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(1.2) || (tries < 2 && watch.Elapsed < TimeSpan.FromSeconds(30));)
        {
            if (_store.ReceiveOne(TimeSpan.FromMilliseconds(20)) is not StoreProtocol.Subscribe)
                continue;
            tries++;
            failing.Tell(new StoreProtocol.StateChanged(world.State, Touched.Everything), _store.Ref);
        }
        Assert.InRange(tries, 2, 5);     // half a second apart
    }

    private sealed class NoIds : IdSource
    {
        public override UInt128 Next() => throw new InvalidOperationException("a bug, as a test has it");
    }

    [Fact]
    public void A_large_service_is_made_in_parts_that_others_commands_fit_between()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(OrchestrationActor.ChangesPerRound + 3));
        Publish(world, Touched.Everything);

        var first = _store.ExpectMsg<StoreProtocol.Propose>();
        Assert.Equal(OrchestrationActor.ChangesPerRound, first.Changes.Length);
        world.Commit([.. first.Changes]);
        Publish(world, Touched.Nothing with { Services = [web] });
        _store.Reply(new StoreProtocol.Committed(world.State.Index, 0));

        var rest = _store.ExpectMsg<StoreProtocol.Propose>();
        Assert.Equal((3, world.State.Index), (rest.Changes.Length, rest.BasedOn));
    }

    [Fact]
    public void What_was_decided_on_an_old_state_is_decided_again()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(3));
        Publish(world, Touched.Everything);
        _store.ExpectMsg<StoreProtocol.Propose>();

        world.Scale(web, 5);
        Publish(world, Touched.Nothing with { Services = [web] });
        _store.Reply(new StoreProtocol.Stale("service web moved on"));

        Assert.Equal(5, _store.ExpectMsg<StoreProtocol.Propose>().Changes.Length);
    }

    [Fact]
    public void A_restart_happens_when_its_time_has_come_though_nothing_else_does()
    {
        var world = World.Of(nodes: 1);
        var delay = TimeSpan.FromMilliseconds(300);
        var web = world.Create(Specs.Web(1, restart: new RestartPolicy { Delay = delay }));
        world.UntilConverged(web);
        world.PassTo(TimeProvider.System.GetUtcNow());
        world.Fail(world.Live(web)[0]);
        Publish(world, Touched.Everything);
        var proposal = _store.ExpectMsg<StoreProtocol.Propose>();
        world.Commit([.. proposal.Changes]);
        Publish(world, Touched.Nothing with { Services = [web] });
        _store.Reply(new StoreProtocol.Committed(world.State.Index, 0));

        var run = Assert.IsType<Change.TaskDesired>(Assert.Single(_store.ExpectMsg<StoreProtocol.Propose>().Changes));

        Assert.Equal(TaskState.Running, run.DesiredState);
        Assert.True(TimeProvider.System.GetUtcNow() >= world.Now + delay);
    }

    [Fact]
    public void Progress_of_the_only_task_of_a_slot_concerns_nobody_but_its_end_does()
    {
        var world = World.Of(nodes: 1);
        var web = world.Create(Specs.Web(2));
        world.Orchestrate();
        var settled = new HashSet<ServiceId>();
        Assert.True(world.Decide(web).IsSettled);
        settled.Add(web);
        var before = world.State;

        world.Step();
        Assert.Empty(Concerned.By(before, world.State, Everything(world, web), settled));

        world.Fail(world.Live(web)[0]);
        Assert.Equal([web], Concerned.By(before, world.State, Everything(world, web), settled));
        Assert.Equal([web], Concerned.By(before, before, Everything(world, web), new HashSet<ServiceId>()));
    }

    private static Touched Everything(World world, ServiceId service) =>
        Touched.Nothing with { Services = [service], Tasks = [.. world.Tasks(service).Select(task => task.Id)] };

    private void Publish(World world, Touched touched) =>
        _orchestration.Tell(new StoreProtocol.StateChanged(world.State, touched), _store.Ref);
}
