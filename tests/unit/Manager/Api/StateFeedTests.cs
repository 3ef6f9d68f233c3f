using Akka.Actor;
using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Manager.Api;

public sealed class StateFeedTests : ActorTest, IClusterView
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly Akka.TestKit.TestProbe _store;
    private readonly IActorRef _actor;
    private readonly StateFeed _feed;

    public StateFeedTests()
    {
        _store = CreateTestProbe();
        _actor = Sys.ActorOf(Props.Create(() => new StateFeedActor(_store.Ref)));
        _feed = new StateFeed(_actor);
        _store.ExpectMsg<StoreProtocol.Subscribe>();
    }

    public ClusterState Current { get; private set; } = ClusterState.Empty;

    private void Publish(ClusterState state, Touched touched)
    {
        Current = state;
        _actor.Tell(new StoreProtocol.StateChanged(state, touched));
    }

    private static Touched OfService(int id) => Touched.Nothing with { Services = [Cluster.ServiceId(id)] };

    [Fact]
    public async Task A_reader_gets_the_present_state_and_then_only_what_matters_to_it()
    {
        var first = new Cluster().Service(1, "web").State;
        Publish(first, Touched.Everything);
        var states = new LatestState(this, touched => touched.Services.Contains(Cluster.ServiceId(1)));
        using var listening = _feed.Listen(states);
        Assert.Same(first, await states.NextAsync(Deadline, TimeProvider.System, default));

        var second = new Cluster().Service(1, "web").Service(2, "db").State;
        var third = new Cluster().Service(1, "web", 5).Service(2, "db").State;
        Publish(second, OfService(2));
        Publish(third, OfService(1));
        Assert.Same(third, await states.NextAsync(Deadline, TimeProvider.System, default));
        Assert.Null(await states.NextAsync(TimeSpan.FromMilliseconds(1), TimeProvider.System, default));
    }

    [Fact]
    public async Task The_end_of_the_store_ends_every_reader_with_a_reason()
    {
        Publish(ClusterState.Empty, Touched.Everything);
        var states = new LatestState(this, _ => true);
        using var listening = _feed.Listen(states);
        await states.NextAsync(Deadline, TimeProvider.System, default);
        Sys.Stop(_store.Ref);

        var error = await Assert.ThrowsAsync<RpcException>(() => states.NextAsync(Deadline, TimeProvider.System, default));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Contains("store has stopped", error.Status.Detail);
    }

    [Fact]
    public async Task Following_a_service_shows_it_at_once_and_at_each_change_that_shows()
    {
        var waiting = new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1, TaskState.Preparing).State;
        Publish(waiting, Touched.Everything);
        using var stop = new CancellationTokenSource(Deadline);
        var shown = new Shown<V1.ServicesProgress>();
        var following = new FollowCalls(this, _feed, TimeProvider.System)
            .ServicesAsync(new V1.FollowServicesRequest { Services = { "web" } }, shown, stop.Token);
        Assert.Equal(0, (await shown.NextAsync(stop.Token)).Services[0].Running);

        Publish(waiting, OfService(1));
        Publish(new Cluster().Node(1, "n1").Service(1, "web").Task(1, 1, 1, 1).State, OfService(1));
        var last = (await shown.NextAsync(stop.Token)).Services[0];
        Assert.Equal((V1.ServiceProgress.Types.Verdict.Converged, 1), (last.Verdict, last.Running));

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }

    [Fact]
    public async Task Time_alone_ends_the_monitor_and_the_reader_is_told()
    {
        var started = TimeProvider.System.GetUtcNow();
        var fresh = new Cluster().Node(1, "n1")
            .Service(1, "web", edit: service => service with
            {
                Spec = service.Spec with { Update = new UpdateConfig { Monitor = TimeSpan.FromMilliseconds(300) } },
            })
            .Task(1, 1, 1, 1, edit: task => task with { Status = task.Status with { Timestamp = started } }).State;
        Publish(fresh, Touched.Everything);
        using var stop = new CancellationTokenSource(Deadline);
        var shown = new Shown<V1.ServicesProgress>();
        var following = new FollowCalls(this, _feed, TimeProvider.System)
            .ServicesAsync(new V1.FollowServicesRequest { Services = { "web" } }, shown, stop.Token);

        var progress = (await shown.NextAsync(stop.Token)).Services[0];
        while (progress.Verdict != V1.ServiceProgress.Types.Verdict.Converged)
            progress = (await shown.NextAsync(stop.Token)).Services[0];
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }
}
