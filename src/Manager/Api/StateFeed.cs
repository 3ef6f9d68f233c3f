using Akka.Actor;
using Berth.Manager.Store;

namespace Berth.Manager.Api;

/// <summary>Whoever wants to know of state changes. Called on the feed's own thread: it must return at once.</summary>
internal interface IStateListener
{
    /// <summary>The state is now this.</summary>
    void OnState(ClusterState? before, ClusterState state, Touched touched);

    /// <summary>There will be no more changes.</summary>
    void OnEnd(string reason);
}

/// <summary>Hands the store's changes to the streams of this manager's API, however many there are, through one
/// subscription.</summary>
internal sealed class StateFeed(IActorRef feed)
{
    /// <summary>From now on <paramref name="listener"/> hears of changes, the present state first.</summary>
    /// <returns>Dispose it to hear no more.</returns>
    public IDisposable Listen(IStateListener listener)
    {
        feed.Tell(new StateFeedActor.Add(listener));
        return new Listening(feed, listener);
    }

    private sealed class Listening(IActorRef feed, IStateListener listener) : IDisposable
    {
        public void Dispose() => feed.Tell(new StateFeedActor.Remove(listener));
    }
}

/// <summary>The one subscriber behind all API streams.</summary>
public sealed class StateFeedActor : ReceiveActor
{
    private readonly IActorRef _store;
    private readonly HashSet<IStateListener> _listeners = [];
    private ClusterState? _state;

    /// <summary>Makes the actor.</summary>
    /// <param name="store">The store, or who stands between it and readers.</param>
    public StateFeedActor(IActorRef store)
    {
        _store = store;
        Receive<StoreProtocol.StateChanged>(OnChanged);
        Receive<Add>(OnAdd);
        Receive<Remove>(remove => _listeners.Remove(remove.Listener));
        Receive<Terminated>(_ => End("the manager's store has stopped"));
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.Watch(_store);
        _store.Tell(new StoreProtocol.Subscribe(Self));
    }

    /// <inheritdoc/>
    protected override void PostStop() => End("the manager is stopping");

    private void OnChanged(StoreProtocol.StateChanged changed)
    {
        var before = _state;
        _state = changed.State;
        foreach (var listener in _listeners)
            listener.OnState(before, changed.State, changed.Touched);
    }

    private void OnAdd(Add add)
    {
        _listeners.Add(add.Listener);
        if (_state is { } state)
            add.Listener.OnState(null, state, Touched.Everything);
    }

    private void End(string reason)
    {
        foreach (var listener in _listeners)
            listener.OnEnd(reason);
        _listeners.Clear();
    }

    internal sealed record Add(IStateListener Listener);

    internal sealed record Remove(IStateListener Listener);
}
