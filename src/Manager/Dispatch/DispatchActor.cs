using Akka.Actor;
using Akka.Hosting;
using Berth.Identity;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Dispatch;

/// <summary>Tells every connected agent what its node is to run: everything at first, then what changed.</summary>
/// <remarks>A state change costs what it touched, never nodes times tasks. The actor only fills the sessions' queues;
/// the calls that hold the streams empty them.</remarks>
public sealed class DispatchActor : ReceiveActor
{
    private readonly IActorRef _store;
    private readonly IActorRef _nodes;
    private readonly AgentSessions _open;
    private readonly Heartbeats _heartbeats;
    private readonly NodesOptions _options;
    private readonly ILogger<DispatchActor> _log;
    private readonly Dictionary<NodeId, Listener> _listeners = [];
    private readonly HashSet<NodeId> _waiting = [];
    private ClusterState _state = ClusterState.Empty;
    private Templates? _templates;

    /// <summary>Made by the actor system.</summary>
    public DispatchActor(
        IRequiredActor<StoreActor> store, IRequiredActor<NodesActor> nodes, AgentSessions open, Heartbeats heartbeats,
        IOptions<NodesOptions> options, ILogger<DispatchActor> log)
    {
        _store = store.ActorRef;
        _nodes = nodes.ActorRef;
        _open = open;
        _heartbeats = heartbeats;
        _options = options.Value;
        _log = log;
        Receive<StoreProtocol.StateChanged>(OnStateChanged);
        Receive<DispatchProtocol.Claim>(OnClaim);
        Receive<DispatchProtocol.Begin>(OnBegin);
        Receive<DispatchProtocol.Ended>(OnEnded);
        Receive<DispatchProtocol.ManagersAre>(OnManagersAre);
    }

    // Each made once for all agents that are told of this state.
    private Templates TemplatesNow => _templates ??= new Templates(_state);

    /// <inheritdoc/>
    protected override void PreStart() => _store.Tell(new StoreProtocol.Subscribe(Self));

    // Whoever replaces this actor knows no session: agents come back and register with it.
    /// <inheritdoc/>
    protected override void PostStop()
    {
        foreach (var listener in _listeners.Values)
        {
            _open.Remove(listener.Session);
            End(listener, "the manager's dispatcher stopped");
            listener.Session.Close("the manager's dispatcher stopped");
        }
    }

    private void OnClaim(DispatchProtocol.Claim claim)
    {
        var session = claim.Session;
        var rival = _listeners.GetValueOrDefault(session.Node)?.Session;
        var admission = Admission.Decide(
            _state.ClusterId, _state.Epoch, session.Registration, rival?.Registration, rival?.Heart.Silence ?? default, _options.DownAfter);
        if (admission.Verdict is AdmissionVerdict.Admit or AdmissionVerdict.AdmitInstead)
        {
            if (rival is not null)
                Drop(rival, admission.Reason);
            session.Admit(_heartbeats.Of(session.Node));
            _listeners[session.Node] = new Listener(session);
        }
        Sender.Tell(admission);
    }

    private void OnBegin(DispatchProtocol.Begin begin)
    {
        if (!_listeners.TryGetValue(begin.Session.Node, out var listener) || listener.Session != begin.Session)
            return;
        listener.BeginsAt = begin.Index;
        if (!TryStart(listener))
            _waiting.Add(begin.Session.Node);
    }

    private void OnEnded(DispatchProtocol.Ended ended)
    {
        _open.Remove(ended.Session);
        if (!_listeners.TryGetValue(ended.Session.Node, out var listener) || listener.Session != ended.Session)
            return;
        Forget(ended.Session.Node);
        End(listener, ended.Reason);
        // Whoever did not become a member leaves nothing behind; of members the heart is forgotten with the node.
        if (listener.Told is null && !_state.Nodes.ContainsKey(ended.Session.Node))
            _heartbeats.Forget(ended.Session.Node);
    }

    private void OnManagersAre(DispatchProtocol.ManagersAre known)
    {
        _open.Managers = new V1.Managers
        {
            Managers_ = { known.Managers.Select(manager => new V1.ManagerEndpoint { NodeId = manager.Node.ToString(), Url = manager.Url }) },
        };
        foreach (var listener in _listeners.Values.Where(listener => listener.Told is not null))
            listener.Session.Send(new V1.ManagerMessage { Managers = _open.Managers });
    }

    private void OnStateChanged(StoreProtocol.StateChanged change)
    {
        var before = _state;
        (_state, _templates) = (change.State, null);
        foreach (var node in _waiting.ToList())
        {
            if (!_listeners.TryGetValue(node, out var listener) || TryStart(listener))
                _waiting.Remove(node);
        }
        var templates = TemplatesNow;
        if (change.Touched.All)
        {
            foreach (var (node, listener) in _listeners)
                Tell(node, (listener.Told?.Desired.Keys ?? []).Union(_state.TasksByNode.GetValueOrDefault(node) ?? []), templates);
        }
        else
        {
            foreach (var (node, tasks) in ByNode(before, change.Touched.Tasks))
                Tell(node, tasks, templates);
        }
        NetworkTelling.Changed(before, _state, change.Touched, [.. _listeners.Values.Where(listener => listener.Told is not null).Select(listener => listener.Session)]);
        if (before.Trust != _state.Trust)
        {
            foreach (var listener in _listeners.Values.Where(listener => listener.Told is not null))
                TellTrust(listener.Session);
        }
        foreach (var node in change.Touched.All ? _listeners.Keys : (IEnumerable<NodeId>)change.Touched.Nodes)
        {
            if (_listeners.TryGetValue(node, out var listener) && listener.Told is not null)
                TellDuty(listener.Session, ManagerDuties.AfterChange(before, _state, node, listener.Session.Registration.Description));
        }
        foreach (var node in change.Touched.Nodes)
        {
            if (before.Nodes.ContainsKey(node) && !_state.Nodes.ContainsKey(node))
                Dismiss(node);
        }
    }

    // Most touched tasks only came a state further: their agent said so itself.
    private Dictionary<NodeId, List<TaskId>> ByNode(ClusterState before, IEnumerable<TaskId> touched)
    {
        var byNode = new Dictionary<NodeId, List<TaskId>>();
        foreach (var id in touched)
        {
            var was = before.Tasks.GetValueOrDefault(id);
            var now = _state.Tasks.GetValueOrDefault(id);
            if ((now ?? was)?.NodeId is not { } node || !_listeners.ContainsKey(node))
                continue;
            if (was is not null && now is not null && Assignments.AreAlike(was, now))
                continue;
            if (!byNode.TryGetValue(node, out var tasks))
                byNode[node] = tasks = [];
            tasks.Add(id);
        }
        return byNode;
    }

    // A session that just started in this change has been told everything already: its diff is empty.
    private void Tell(NodeId node, IEnumerable<TaskId> touched, Templates templates)
    {
        var listener = _listeners[node];
        if (listener.Told is not { } told)
            return;
        var delta = Assignments.Diff(_state, node, told, touched);
        if (!delta.IsEmpty)
            Send(listener.Session, told, delta, templates);
    }

    // Not before this manager's state holds the node: a full set decided without it would stop everything there.
    private bool TryStart(Listener listener)
    {
        var session = listener.Session;
        if (listener.Told is not null)
            return true;
        if (listener.BeginsAt is not { } index || _state.Index < index || !_state.Nodes.ContainsKey(session.Node))
            return false;

        listener.Told = new Told();
        session.Send(new V1.ManagerMessage
        {
            Registered = new V1.Registered
            {
                ClusterId = _state.ClusterId?.ToString() ?? "",
                Epoch = _state.Epoch,
                HeartbeatPeriodNs = SpecMapper.ToNanoseconds(_options.Period),
                AnswersHeartbeats = true,
                Level = ReleaseLevel.Own,
                RejoinWindowNs = SpecMapper.ToNanoseconds(RejoinPace.Window(_state.Nodes.Count)),
                Managers = { _open.Managers.Managers_ },
            },
        });
        TellTrust(session);
        TellDuty(session, ManagerDuties.AtBegin(_state, session.Node, session.Registration.Description));
        if (!session.Registration.Reports.IsEmpty)
            _store.Tell(new StoreProtocol.Observe(session.Node, session.Registration.Reports));
        // Who has its full set can be asked for logs.
        _open.Add(session);
        session.Heart.Open();
        Send(session, listener.Told, Assignments.Full(_state, session.Node), TemplatesNow);
        NetworkTelling.Begin(session, _state);
        _nodes.Tell(new NodesProtocol.SessionChanged(session.Node));
        _log.LogInformation(
            "Session of {Hostname} ({Node}) began; it holds {Held} tasks and is assigned {Assigned}", session.Registration.Description.Hostname,
            session.Node, session.Registration.Reports.Length, listener.Told.Desired.Count);
        return true;
    }

    // Also at each session's start: whoever was away during a rotation hears of it then.
    private void TellTrust(AgentSession session)
    {
        if (_state.Trust is not { } trust)
            return;
        session.Send(new V1.ManagerMessage
        {
            Trust = new V1.TrustChanged
            {
                AuthorityPem = trust.RootsPem,
                RenewNow = AuthorityRotation.MustRenew(_state, session.Node, CertificateRole.Worker, default),
            },
        });
    }

    private static void TellDuty(AgentSession session, V1.ManagerDuty? duty)
    {
        if (duty is not null)
            session.Send(new V1.ManagerMessage { ManagerDuty = duty });
    }

    private void Send(AgentSession session, Told told, AssignmentDelta delta, Templates templates)
    {
        session.Send(new V1.ManagerMessage { Assignments = Assignments.ToWire(delta, told, templates, _state.Epoch) });
        told.Remember(delta);
    }

    // The node is disconnected at once; whether it is down, its silence will tell.
    private void End(Listener listener, string reason)
    {
        if (listener.Told is null)
            return;
        _log.LogInformation("Session of {Hostname} ended: {Reason}", listener.Session.Registration.Description.Hostname, reason);
        listener.Session.Heart.End(reason, restarts: listener.Session.Restarts);
        _nodes.Tell(new NodesProtocol.SessionChanged(listener.Session.Node));
    }

    private void Dismiss(NodeId node)
    {
        if (!_listeners.TryGetValue(node, out var listener))
            return;
        var reason = "the node was removed from the cluster; delete the agent's data directory to join it anew";
        listener.Session.Finish(new V1.ManagerMessage { Refused = new V1.Refused { Reason = reason } }, reason);
        _open.Remove(listener.Session);
        Forget(node);
    }

    private void Drop(AgentSession session, string reason)
    {
        _open.Remove(session);
        Forget(session.Node);
        session.Close(reason);
    }

    private void Forget(NodeId node)
    {
        _listeners.Remove(node);
        _waiting.Remove(node);
    }

    private sealed class Listener(AgentSession session)
    {
        public AgentSession Session { get; } = session;
        public long? BeginsAt { get; set; }
        public Told? Told { get; set; }
    }
}
