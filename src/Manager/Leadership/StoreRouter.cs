using Akka.Actor;
using Berth.Manager.Store;

namespace Berth.Manager.Leadership;

/// <summary>Stands for the store towards everybody in this process, whether it leads or not.</summary>
/// <remarks>While it leads, everything goes to the real store actor, its child. On a standby readers get the follower's states,
/// deciders get nothing, and what is to be written goes to the follower, which sends it to the leader. A process leads at most
/// once: after that it ends.</remarks>
public sealed class StoreRouter : ReceiveActor, IWithUnboundedStash
{
    private StoreFactory _factory;
    private readonly ClusterView _view;
    private readonly IActorRef _follower = ActorRefs.Nobody;
    private readonly Dictionary<IActorRef, StoreProtocol.Subscribe> _subscriptions = [];
    private ClusterState? _followed;
    private long _epoch;
    private IActorRef _store = ActorRefs.Nobody;

    /// <summary>Made by <see cref="LeadershipSetup"/>.</summary>
    /// <param name="factory">Makes the store actor.</param>
    /// <param name="view">Gets the states that are followed.</param>
    /// <param name="follower">Follows the leader while this process does not lead; null when it is alone.</param>
    public StoreRouter(StoreFactory factory, ClusterView view, Props? follower)
    {
        _factory = factory;
        _view = view;
        if (follower is null)
        {
            Waiting();
            return;
        }
        _follower = Context.ActorOf(follower, "follower");
        Following();
    }

    /// <inheritdoc/>
    public IStash Stash { get; set; } = null!;

    // Before it is known who leads, and between following and leading.
    private void Waiting()
    {
        Receive<LeadershipProtocol.Lead>(lead => Start(lead.Epoch, null));
        Receive<LeadershipProtocol.HandedOver>(held => Start(_epoch, held.State));
        Receive<LeadershipProtocol.Followed>(OnFollowed);
        Receive<LeadershipProtocol.StepDown>(_ => Sender.Tell(new LeadershipProtocol.SteppedDown()));
        Receive<StoreProtocol.LeaseRenewed>(_ => { });
        Subscribing();
        ReceiveAny(_ => Stash.Stash());
    }

    private void Following()
    {
        Receive<LeadershipProtocol.Followed>(OnFollowed);
        Receive<LeadershipProtocol.Lead>(OnLead);
        Receive<LeadershipProtocol.StepDown>(_ => Sender.Tell(new LeadershipProtocol.SteppedDown()));
        Subscribing();
        ReceiveAny(message => _follower.Forward(message));
    }

    private void Leading()
    {
        Receive<LeadershipProtocol.StepDown>(OnStepDown);
        Receive<LeadershipProtocol.Pause>(OnPause);
        Receive<StoreProtocol.Subscribe>(subscribe =>
        {
            Remember(subscribe);
            _store.Forward(subscribe);
        });
        Receive<Terminated>(stopped => _subscriptions.Remove(stopped.ActorRef));
        ReceiveAny(message => _store.Forward(message));
    }

    // The store moves to other plugins: what comes meanwhile waits, and is not refused.
    private void Pausing(IActorRef asker)
    {
        ClusterState? written = null;
        Receive<StoreProtocol.Drained>(drained =>
        {
            written = drained.State;
            Context.Watch(_store);
            Context.Stop(_store);
        });
        Receive<Terminated>(stopped => stopped.ActorRef.Equals(_store), _ =>
        {
            asker.Tell(new LeadershipProtocol.Paused(written!));
            Become(() => Paused(written!));
        });
        // An answer may wait for a sign that this manager leads.
        Receive<StoreProtocol.LeaseRenewed>(renewed => _store.Forward(renewed));
        KeepSubscriptions();
        ReceiveAny(_ => Stash.Stash());
    }

    private void Paused(ClusterState written)
    {
        Receive<LeadershipProtocol.Resume>(resume =>
        {
            if (resume.Plugins is { } plugins)
                _factory = _factory with { Plugins = plugins };
            Start(resume.Epoch, written);
        });
        Receive<LeadershipProtocol.StepDown>(_ => Sender.Tell(new LeadershipProtocol.SteppedDown()));
        Receive<StoreProtocol.LeaseRenewed>(_ => { });
        KeepSubscriptions();
        ReceiveAny(_ => Stash.Stash());
    }

    private void KeepSubscriptions()
    {
        Receive<StoreProtocol.Subscribe>(Remember);
        Receive<Terminated>(stopped => _subscriptions.Remove(stopped.ActorRef));
    }

    // The lead is being let go: what comes now is for the next leader, whom its sender finds by trying again.
    private void Leaving()
    {
        var asker = Sender;
        Receive<StoreProtocol.Drained>(_ => asker.Tell(new LeadershipProtocol.SteppedDown()));
        Receive<StoreProtocol.Execute>(_ => Sender.Tell(new Status.Failure(new NoLeaderException("this manager is stopping and lets another take the lead"))));
        Receive<StoreProtocol.LeaseRenewed>(renewed => _store.Forward(renewed));
        ReceiveAny(_ => { });
    }

    private void Subscribing()
    {
        Receive<StoreProtocol.Subscribe>(subscribe =>
        {
            Remember(subscribe);
            if (!subscribe.WhileLeading && _followed is not null)
                subscribe.Subscriber.Tell(new StoreProtocol.StateChanged(_followed, Touched.Everything));
        });
        Receive<Terminated>(stopped => _subscriptions.Remove(stopped.ActorRef));
    }

    private void Remember(StoreProtocol.Subscribe subscribe)
    {
        if (_subscriptions.TryAdd(subscribe.Subscriber, subscribe))
            Context.Watch(subscribe.Subscriber);
    }

    private void OnFollowed(LeadershipProtocol.Followed followed)
    {
        _followed = followed.Changed.State;
        _view.Publish(_followed);
        foreach (var subscription in _subscriptions.Values)
        {
            if (!subscription.WhileLeading)
                subscription.Subscriber.Tell(followed.Changed);
        }
    }

    private void OnLead(LeadershipProtocol.Lead lead)
    {
        _epoch = lead.Epoch;
        _follower.Tell(new LeadershipProtocol.HandOver());
        Become(Waiting);
    }

    private void Start(long epoch, ClusterState? held)
    {
        _store = Context.ActorOf(_factory.Props(epoch, held), "writer");
        foreach (var subscription in _subscriptions.Values)
            _store.Tell(subscription);
        Become(Leading);
        Stash.UnstashAll();
    }

    private void OnPause(LeadershipProtocol.Pause pause)
    {
        var asker = Sender;
        _store.Tell(new StoreProtocol.Drain());
        Become(() => Pausing(asker));
    }

    private void OnStepDown(LeadershipProtocol.StepDown stepDown)
    {
        _store.Tell(new StoreProtocol.Drain());
        Become(Leaving);
    }
}
