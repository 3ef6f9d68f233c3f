using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using CsCheck;

namespace Berth.Tests.Manager.Nodes;

public sealed class MembershipTests
{
    private static readonly DateTimeOffset Started = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly NodesOptions Options = new();

    [Fact]
    public void A_node_is_down_at_exactly_the_deadline_and_not_one_tick_earlier()
    {
        var contact = new Contact(Started.AddSeconds(20), null);
        var deadline = Started.AddSeconds(23);

        Assert.Equal(NodeState.Ready, Judge(contact, deadline.AddTicks(-1)).State);
        var down = Judge(contact, deadline);
        Assert.Equal(new NodeStatus(NodeState.Down, "silent for 3.0 s, last heard at 2026-01-01 12:00:20.000Z", deadline), down);
    }

    [Fact]
    public void A_broken_session_is_disconnected_at_once_and_says_why()
    {
        var now = Started.AddSeconds(20.5);
        Assert.Equal(
            new NodeStatus(NodeState.Disconnected, "its connection broke; last heard at 2026-01-01 12:00:20.000Z", now),
            Judge(new Contact(Started.AddSeconds(20), "its connection broke"), now));
    }

    [Fact]
    public void In_a_large_cluster_who_lost_his_manager_has_the_time_he_was_told_to_wait()
    {
        var rejoin = RejoinPace.Window(10_000);
        var heard = Started.AddSeconds(20);
        var deadline = heard + Options.DownAfter + rejoin;
        NodeState At(DateTimeOffset now, string? ended) => Membership.Judge(new Contact(heard, ended), Started, Started, now, Options, rejoin).Status.State;

        Assert.Equal(NodeState.Disconnected, At(deadline.AddTicks(-1), "the manager is stopping"));
        Assert.Equal(NodeState.Down, At(deadline, "the manager is stopping"));
        Assert.Equal(NodeState.Down, At(heard + Options.DownAfter, null));

        // So has who lost the leader, at the next one, who has not heard of it yet.
        var rejoining = RejoinPace.Grace(10_000);
        NodeState AtNext(double seconds) => Membership.Judge(Contact.None, Started, Started, Started.AddSeconds(seconds), Options, rejoining).Status.State;
        Assert.Equal(NodeState.Unknown, AtNext(14.9));
        Assert.Equal(NodeState.Down, AtNext(15));
    }

    [Fact]
    public void Who_said_that_it_is_started_again_has_half_a_minute_and_is_down_as_ever_after_that()
    {
        var heard = Started.AddSeconds(20);
        NodeState At(double seconds, string? ended, bool restarts) =>
            Membership.Judge(new Contact(heard, ended, restarts), Started, Started, heard.AddSeconds(seconds), Options).Status.State;

        Assert.Equal(NodeState.Disconnected, At(29.9, "its agent is stopped or started again", restarts: true));
        Assert.Equal(NodeState.Down, At(30, "its agent is stopped or started again", restarts: true));
        Assert.Equal(NodeState.Down, At(3, "its host shuts down", restarts: false));
        // In the largest clusters there is time to rejoin as well, and the longer of both counts.
        Assert.True(RejoinPace.Grace(10_000) + Options.DownAfter < Options.RestartGrace);
    }

    [Fact]
    public void What_was_said_at_an_end_counts_until_the_next_session()
    {
        var heart = new Heartbeats(TimeProvider.System).Of(new NodeId(1));
        heart.Open();
        heart.End("its agent is stopped or started again", restarts: true);
        Assert.True(heart.Restarts);
        heart.Open();
        Assert.False(heart.Restarts);
        heart.End("its connection broke");
        Assert.False(heart.Restarts);
    }

    [Fact]
    public void The_time_to_rejoin_grows_with_the_cluster_and_small_ones_need_none()
    {
        Gen.Int[0, 100_000].Sample(nodes =>
        {
            var window = RejoinPace.Window(nodes);
            Assert.InRange(window, TimeSpan.Zero, RejoinPace.Longest);
            Assert.True(RejoinPace.Window(nodes + 1) >= window);
        });
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(5)), (RejoinPace.Window(500), RejoinPace.Window(10_000)));
        // Small clusters notice an agent that ended as fast as ever.
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(12)), (RejoinPace.Grace(500), RejoinPace.Grace(10_000)));
    }

    [Fact]
    public void Who_is_excused_is_silent_only_afterwards()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var heart = new Heartbeats(time).Of(new NodeId(1));
        heart.Open(new NodeId(9));
        heart.Excuse(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(2), heart.Silence);
        heart.Beat(new NodeId(9));
        Assert.Equal(TimeSpan.Zero, heart.Silence);
    }

    [Fact]
    public void A_node_not_heard_of_since_the_start_is_unknown_until_the_grace_ends()
    {
        Assert.Equal(NodeState.Unknown, Judge(Contact.None, Started.AddSeconds(10).AddTicks(-1)).State);
        var down = Judge(Contact.None, Started.AddSeconds(10));
        Assert.Equal((NodeState.Down, "not heard of in 10.0 s since the manager started"), (down.State, down.Message));
    }

    [Fact]
    public void After_a_pause_of_the_manager_everyone_has_a_fresh_deadline()
    {
        var awake = Started.AddSeconds(60);
        var contact = new Contact(Started.AddSeconds(20), null);

        Assert.Equal(NodeState.Down, Judge(contact, awake).State);
        Assert.Equal(NodeState.Ready, Judge(contact, awake, since: awake).State);
        Assert.Equal(NodeState.Ready, Judge(contact, awake.AddSeconds(3).AddTicks(-1), since: awake).State);
        Assert.Equal(NodeState.Down, Judge(contact, awake.AddSeconds(3), since: awake).State);
        Assert.Equal(NodeState.Unknown, Judge(Contact.None, awake, since: awake).State);
    }

    [Fact]
    public void Only_changes_are_reported_and_the_next_look_is_at_the_earliest_deadline() =>
        Gen.Select(Gen.Double[0, 10], Gen.Bool, Gen.Int[0, 3]).Array[0, 12].Sample(input =>
        {
            var now = Started.AddSeconds(30);
            var nodes = input.Select((one, at) => ANode(at, (NodeState)one.Item3)).ToList();
            var contacts = input.Select((one, at) => (nodes[at].Id, new Contact(now.AddSeconds(-one.Item1), one.Item2 ? null : "it left")))
                .ToDictionary(pair => pair.Id, pair => pair.Item2);

            var first = Membership.Decide(nodes, id => contacts[id], Started, Started, now, Options);

            Assert.All(first.Changes.Cast<Change.NodeObserved>(), change =>
            {
                Assert.NotEqual(nodes.Single(node => node.Id == change.Id).Status.State, change.Status.State);
                Assert.NotEqual("", change.Status.Message);
            });
            var after = nodes.Select(node =>
                first.Changes.OfType<Change.NodeObserved>().FirstOrDefault(change => change.Id == node.Id) is { } change
                    ? node with { Status = change.Status } : node).ToList();
            Assert.Empty(Membership.Decide(after, id => contacts[id], Started, Started, now, Options).Changes);
            Assert.Equal(after.Where(node => node.Status.State != NodeState.Down).Any(), first.LookAgainAt is not null);
            if (first.LookAgainAt is { } next)
            {
                Assert.Empty(Membership.Decide(after, id => contacts[id], Started, Started, next.AddTicks(-1), Options).Changes);
                Assert.NotEmpty(Membership.Decide(after, id => contacts[id], Started, Started, next, Options).Changes);
            }
        });

    [Theory]
    [InlineData(1, 3, 10, null)]
    [InlineData(1, 2, 2, null)]
    [InlineData(0, 3, 10, "--heartbeat")]
    [InlineData(2, 3, 10, "--down-after")]
    [InlineData(1, 3, 2, "--start-grace")]
    public void Options_that_cannot_work_say_which_flag_to_change(double period, double downAfter, double grace, string? flag)
    {
        var problem = new NodesOptions
        {
            Period = TimeSpan.FromSeconds(period), DownAfter = TimeSpan.FromSeconds(downAfter), StartGrace = TimeSpan.FromSeconds(grace),
        }.Problem();

        if (flag is null)
            Assert.Null(problem);
        else
            Assert.Contains(flag, problem);
    }

    private static NodeStatus Judge(Contact contact, DateTimeOffset now, DateTimeOffset? since = null) =>
        Membership.Judge(contact, since ?? Started, Started, now, Options).Status;

    private static Node ANode(int number, NodeState state) => new()
    {
        Id = new NodeId((UInt128)(number + 1)),
        CreatedAt = Started,
        UpdatedAt = Started,
        Description = new NodeDescription { Hostname = $"n{number}" },
        Status = new NodeStatus(state, "as it was", Started),
    };
}
