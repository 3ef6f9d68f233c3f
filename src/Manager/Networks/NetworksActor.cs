using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Networks;

/// <summary>Sees to it that each node has a number and slices for the tasks it was given, and no more: <see cref="Slicing"/>.</summary>
/// <remarks>One command is under way at a time; nodes that change meanwhile are looked at again with the state that follows it.</remarks>
public sealed class NetworksActor : ReceiveActor, IWithTimers
{
    // The store answers every command; a lost answer (it was restarted) must not stop this for ever.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly IActorRef _store;
    private readonly ILogger<NetworksActor> _log;
    private readonly HashSet<NodeId> _due = [];
    private ClusterState _state = ClusterState.Empty;
    private bool _isWaiting;

    /// <summary>Made by the actor system.</summary>
    public NetworksActor(IRequiredActor<StoreActor> store, ILogger<NetworksActor> log)
    {
        _store = store.ActorRef;
        _log = log;
        Receive<StoreProtocol.StateChanged>(OnStateChanged);
        Receive<StoreProtocol.Executed>(_ => OnAnswered());
        Receive<StoreProtocol.Refused>(OnRefused);
        Receive<AnswerIsLate>(_ => OnAnswerIsLate());
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));

    private void OnStateChanged(StoreProtocol.StateChanged change)
    {
        var before = _state;
        _state = change.State;
        if (_state.Networks.IsEmpty)
            return;
        // The first network gives every node its number.
        if (change.Touched.All || before.Networks.IsEmpty)
        {
            _due.UnionWith(_state.Nodes.Keys);
        }
        else
        {
            _due.UnionWith(change.Touched.Nodes);
            foreach (var id in change.Touched.Tasks)
            {
                if ((_state.Tasks.GetValueOrDefault(id) ?? before.Tasks.GetValueOrDefault(id)) is { NodeId: { } node, Spec.Networks.IsEmpty: false })
                    _due.Add(node);
            }
        }
        Arrange();
    }

    private void Arrange()
    {
        if (_isWaiting)
            return;
        var nodes = _due.Where(id => _state.Nodes.TryGetValue(id, out var node) && Slicing.IsDue(_state, node)).ToValueList();
        _due.Clear();
        if (nodes.IsEmpty && !Slicing.Finished(_state).Any())
            return;
        _isWaiting = true;
        Timers.StartSingleTimer(AnswerIsLate.Instance, AnswerIsLate.Instance, AnswerTimeout);
        _store.Tell(new StoreProtocol.Execute(new Command.ArrangeNetworks(nodes)));
    }

    // The state that holds what was done came before the answer: what is due now came since.
    private void OnAnswered()
    {
        Timers.Cancel(AnswerIsLate.Instance);
        _isWaiting = false;
        if (_due.Count > 0)
            Arrange();
    }

    private void OnRefused(StoreProtocol.Refused refused)
    {
        _log.LogWarning("Addresses of nodes could not be arranged: {Message}", refused.Message);
        OnAnswered();
    }

    private void OnAnswerIsLate()
    {
        _log.LogWarning("The store has not answered for {Seconds} s what addresses nodes have; subscribing anew", AnswerTimeout.TotalSeconds);
        _isWaiting = false;
        _store.Tell(new StoreProtocol.Subscribe(Self, WhileLeading: true));
    }

    private sealed record AnswerIsLate
    {
        public static AnswerIsLate Instance { get; } = new();
    }
}
