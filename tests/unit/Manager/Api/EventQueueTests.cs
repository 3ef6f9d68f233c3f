using Berth.Manager.Api;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Manager.Api;

public sealed class EventQueueTests
{
    private static readonly ClusterState Five = new Cluster()
        .Service(1, "a").Service(2, "b").Service(3, "c").Service(4, "d").Service(5, "e").State;

    private readonly FakeTimeProvider _time = new(Cluster.Start);

    [Fact]
    public async Task The_state_at_the_call_is_no_event()
    {
        var queue = new EventQueue(_time);
        queue.OnState(null, Five, Touched.Everything);
        queue.OnState(Five, new Cluster().Service(1, "a").State, Touched.Everything);
        var taken = await queue.TakeAsync(CancellationToken.None);
        Assert.All(taken, item => Assert.Equal("remove", item.Action));
        Assert.Equal(4, taken.Length);
    }

    [Fact]
    public async Task A_slow_reader_is_told_how_many_events_it_lost_and_then_goes_on()
    {
        var queue = new EventQueue(_time, capacity: 3);
        queue.OnState(ClusterState.Empty, Five, Touched.Everything);
        var taken = await queue.TakeAsync(CancellationToken.None);
        Assert.Equal(["a", "b", "c", ""], taken.Select(item => item.Name));
        Assert.Equal(("events", "lost", "2"), (taken[3].Type, taken[3].Action, taken[3].Attributes["count"]));

        queue.OnState(ClusterState.Empty, new Cluster().Service(6, "f").State, Touched.Everything);
        Assert.Equal(["f"], (await queue.TakeAsync(CancellationToken.None)).Select(item => item.Name));
    }

    [Fact]
    public async Task The_end_of_the_feed_reaches_a_waiting_reader()
    {
        var queue = new EventQueue(_time);
        var taking = queue.TakeAsync(CancellationToken.None);
        queue.OnEnd("the manager is stopping");
        var error = await Assert.ThrowsAsync<RpcException>(() => taking);
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
    }
}
