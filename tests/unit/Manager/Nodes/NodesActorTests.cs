using Akka.Actor;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Tests.Manager.Nodes;

public sealed class NodesActorTests : ActorTest
{
    private static readonly NodeId Id = new(7);
    private readonly SetClock _time = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly Heartbeats _heartbeats;
    private readonly SetLease _lease = new();
    private readonly IActorRef _actor;
    private ClusterState _state = ClusterState.Empty;

    public NodesActorTests()
    {
        _heartbeats = new Heartbeats(_time);
        _actor = Sys.ActorOf(Props.Create(() => new NodesActor(
            new KnownActor<StoreActor>(TestActor), _heartbeats, Options.Create(new NodesOptions()), _lease, _time, NullLogger<NodesActor>.Instance)));
        ExpectMsg<StoreProtocol.Subscribe>();
        _state = _state.Apply(new Commit(1, _time.GetUtcNow(), [new Change.NodePut(new Node
        {
            Id = Id,
            CreatedAt = _time.GetUtcNow(),
            UpdatedAt = _time.GetUtcNow(),
            Description = new NodeDescription { Hostname = "a" },
        })]));
        _actor.Tell(new StoreProtocol.StateChanged(_state, Touched.Everything));
        CatchUp();
    }

    [Fact]
    public void A_node_is_ready_when_it_registers_down_when_it_is_silent_and_ready_again_at_its_next_beat()
    {
        var heart = Connect();

        Pass(TimeSpan.FromSeconds(3));
        var down = Expect(NodeState.Down);
        Assert.StartsWith("silent for 3.0 s", down.Status.Message, StringComparison.Ordinal);

        Assert.True(heart.Beat());
        Assert.False(heart.Beat());
        _actor.Tell(new NodesProtocol.HeardAgain(Id));
        Expect(NodeState.Ready);
    }

    [Fact]
    public void A_node_that_keeps_beating_stays_ready()
    {
        var heart = Connect();
        for (var second = 0; second < 10; second++)
        {
            Pass(TimeSpan.FromSeconds(1));
            heart.Beat();
        }
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void A_session_that_ends_is_disconnected_at_once()
    {
        Connect().End("its connection broke");
        _actor.Tell(new NodesProtocol.SessionChanged(Id));
        Expect(NodeState.Disconnected);
    }

    [Fact]
    public void An_agent_that_is_started_again_slowly_does_not_make_its_node_down()
    {
        var heart = Connect();
        CatchUp();
        heart.End("its agent is stopped or started again", restarts: true);
        _actor.Tell(new NodesProtocol.SessionChanged(Id));
        Assert.StartsWith("its agent is stopped or started again; last heard at", Expect(NodeState.Disconnected).Status.Message, StringComparison.Ordinal);
        Pass(TimeSpan.FromSeconds(29));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        heart.Open();
        _actor.Tell(new NodesProtocol.SessionChanged(Id));
        Expect(NodeState.Ready);
        Pass(TimeSpan.FromSeconds(3.5));
        Expect(NodeState.Down);
    }

    [Fact]
    public void Nodes_that_come_together_are_proposed_together()
    {
        var ids = Enumerable.Range(100, 50).Select(number => new NodeId((UInt128)number)).ToList();
        _state = _state.Apply(new Commit(2, _time.GetUtcNow(), [.. ids.Select(id => new Change.NodePut(new Node
        {
            Id = id, CreatedAt = _time.GetUtcNow(), UpdatedAt = _time.GetUtcNow(), Description = new NodeDescription { Hostname = $"n{id}" },
        }))]));
        _actor.Tell(new StoreProtocol.StateChanged(_state, Touched.Nothing with { Nodes = [.. ids] }));
        CatchUp();
        foreach (var id in ids)
            _heartbeats.Of(id).Open();
        // It looks at the first while the others come.
        using var gate = new ManualResetEventSlim();
        _lease.Gate = gate;
        foreach (var id in ids)
            _actor.Tell(new NodesProtocol.SessionChanged(id));
        gate.Set();

        var seen = new HashSet<NodeId>();
        var proposals = 0;
        while (seen.Count < ids.Count)
        {
            proposals++;
            seen.UnionWith(ExpectMsg<StoreProtocol.Propose>().Changes.Cast<Change.NodeObserved>().Select(change => change.Id));
        }
        Assert.InRange(proposals, 1, 2);
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void A_manager_that_was_paused_calls_nobody_down_before_a_fresh_deadline()
    {
        Connect();
        _time.Advance(TimeSpan.FromSeconds(60));
        _actor.Tell(new StoreProtocol.StateChanged(_state, Touched.Everything));
        ExpectNoMsg(TimeSpan.FromMilliseconds(200));

        Pass(TimeSpan.FromSeconds(3.5));
        Expect(NodeState.Down);
    }

    [Fact]
    public void While_the_store_does_not_answer_nobody_is_called_down_and_silence_counts_anew_afterwards()
    {
        var heart = Connect();
        CatchUp();
        heart.End("its manager went away");
        _actor.Tell(new NodesProtocol.SessionChanged(Id));
        Expect(NodeState.Disconnected);
        _lease.IsValid = false;
        for (var second = 0; second < 20; second++)
            Pass(TimeSpan.FromSeconds(1));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        // Its agent could not come back before; now it has as long as after a change of leaders.
        _lease.IsValid = true;
        Pass(TimeSpan.FromSeconds(1));
        Expect(NodeState.Unknown);
        Pass(TimeSpan.FromSeconds(8));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Pass(TimeSpan.FromSeconds(3));
        Expect(NodeState.Down);
    }

    [Fact]
    public void A_node_that_never_registers_is_down_after_the_grace()
    {
        Pass(TimeSpan.FromSeconds(9));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Pass(TimeSpan.FromSeconds(1.5));
        Expect(NodeState.Down);
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public void A_wall_clock_that_is_set_neither_hides_a_silence_nor_makes_one(int seconds)
    {
        var heart = Connect();
        _time.Set(TimeSpan.FromSeconds(seconds));
        for (var second = 0; second < 5; second++)
        {
            Pass(TimeSpan.FromSeconds(1));
            heart.Beat();
        }
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        Pass(TimeSpan.FromSeconds(3.5));
        Expect(NodeState.Down);
    }

    [Fact]
    public void A_wall_clock_that_is_set_at_the_start_does_not_shorten_the_grace()
    {
        _time.Set(TimeSpan.FromHours(1));
        Pass(TimeSpan.FromSeconds(9));
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void After_a_failure_it_goes_on_with_what_was_heard_and_calls_nobody_down_for_it()
    {
        var heart = Connect();
        Pass(TimeSpan.FromSeconds(2));
        EventFilter.Exception<NullReferenceException>().ExpectOne(() => _actor.Tell(new StoreProtocol.StateChanged(null!, Touched.Everything)));
        ExpectMsg<StoreProtocol.Subscribe>();
        _actor.Tell(new StoreProtocol.StateChanged(_state, Touched.Everything));
        Pass(TimeSpan.FromSeconds(2));
        heart.Beat();
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        Pass(TimeSpan.FromSeconds(3));
        Expect(NodeState.Down);
        heart.Beat();
        _actor.Tell(new NodesProtocol.HeardAgain(Id));
        Expect(NodeState.Ready);
    }

    private Heart Connect()
    {
        var heart = _heartbeats.Of(Id);
        heart.Open();
        _actor.Tell(new NodesProtocol.SessionChanged(Id));
        Expect(NodeState.Ready);
        return heart;
    }

    // Small steps that the actor keeps up with, as a clock that was never paused.
    private void Pass(TimeSpan span)
    {
        var step = TimeSpan.FromMilliseconds(125);
        for (var passed = TimeSpan.Zero; passed < span; passed += step)
        {
            _time.Advance(step);
            CatchUp();
        }
    }

    // The actor has handled everything that was told before.
    private void CatchUp()
    {
        var probe = CreateTestProbe();
        _actor.Tell(new Identify(null), probe);
        probe.ExpectMsg<ActorIdentity>();
    }

    private sealed class SetLease : ILease
    {
        private bool _isValid = true;

        /// <summary>Whoever asks waits for it; null for nobody.</summary>
        public ManualResetEventSlim? Gate { get; set; }

        public bool IsValid
        {
            get
            {
                // The property cannot be awaited, and holding the actor's own thread is the point: it stands still in the middle of its
                // look until the test, which is on another thread, has told it everything.
                Gate?.Wait();
                return _isValid;
            }
            set => _isValid = value;
        }
    }

    /// <summary>A wall clock that can be set, beside a monotonic one that cannot.</summary>
    private sealed class SetClock(DateTimeOffset start) : TimeProvider
    {
        private readonly FakeTimeProvider _steady = new(start);
        private TimeSpan _set;

        public override long TimestampFrequency => _steady.TimestampFrequency;

        public void Set(TimeSpan by) => _set += by;

        public void Advance(TimeSpan by) => _steady.Advance(by);

        public override DateTimeOffset GetUtcNow() => _steady.GetUtcNow() + _set;

        public override long GetTimestamp() => _steady.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            _steady.CreateTimer(callback, state, dueTime, period);
    }

    private Change.NodeObserved Expect(NodeState state)
    {
        var proposal = ExpectMsg<StoreProtocol.Propose>();
        var observed = Assert.IsType<Change.NodeObserved>(Assert.Single(proposal.Changes));
        Assert.Equal(state, observed.Status.State);
        _state = _state.Observe(proposal.Changes);
        _actor.Tell(new StoreProtocol.StateChanged(_state, Touched.Nothing with { Nodes = [Id] }));
        return observed;
    }
}
