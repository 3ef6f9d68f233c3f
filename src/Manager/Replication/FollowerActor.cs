using System.Collections.Immutable;
using Akka.Actor;
using Berth.Manager.Leadership;
using Berth.Manager.Nodes;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Replication;

/// <summary>On a standby: holds the link to whoever leads, keeps the state that comes over it, and sends what is for the leader.</summary>
/// <remarks>It ends its work when this process takes the lead: then its state is where the store begins.</remarks>
internal sealed class FollowerActor : ReceiveActor, IWithTimers
{
    private readonly FollowerParts _parts;
    private readonly IActorRef _self = Context.Self;
    private readonly KeptReports _kept = new();
    private readonly Dictionary<long, Waiting> _registrations = [];
    private ClusterState? _state;
    private IActorRef _router = ActorRefs.Nobody;
    private LeaderLink? _link;
    private StandbyCopy? _copy;
    private bool _isWelcome;
    private bool _saidAll;
    private bool _mayDial;
    private long _toldEpoch;
    private long _failedEpoch;
    private long _lastRequest;
    private long _heardAt;

    /// <summary>Made by <see cref="ReplicationSetup"/>.</summary>
    public FollowerActor(FollowerParts parts)
    {
        _parts = parts;
        Receive<StoreProtocol.Execute>(OnExecute);
        Receive<StoreProtocol.Observe>(OnObserve);
        Receive<StoreReader.Read>(OnStoreRead);
        Receive<LinkProtocol.LeaderChanged>(_ => OnLeaderChanged());
        Receive<LinkProtocol.Heard>(OnHeard, heard => heard.Link == _link);
        Receive<LinkProtocol.Heard>(_ => { });
        Receive<LinkProtocol.Ended>(OnEnded);
        Receive<LinkProtocol.SessionChanged>(OnSessionChanged);
        Receive<Beat>(_ => OnBeat());
        Receive<Redial>(_ => Dial());
        Receive<LeadershipProtocol.HandOver>(_ => OnHandOver());
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _router = Context.Parent;
        _parts.Heartbeats.SessionChanged += OnLocalSession;
        WatchLeader();
        Timers.StartPeriodicTimer(Beat.Instance, Beat.Instance, _parts.Times.Beat);
        Context.ActorOf(_parts.Reader(Self), "reader");
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _parts.Heartbeats.SessionChanged -= OnLocalSession;
        _link?.Close();
    }

    // On a session's thread.
    private void OnLocalSession(NodeId node, Heart heart) => _self.Tell(new LinkProtocol.SessionChanged(node, heart.Ended, heart.Restarts));

    private void WatchLeader()
    {
        var changed = _parts.Leadership.Changed;
        var self = Self;
        changed.ContinueWith(_ => self.Tell(LinkProtocol.LeaderChanged.Instance), TaskScheduler.Default);
    }

    // The store as far as it goes: what is missing comes over the link.
    private void OnStoreRead(StoreReader.Read read)
    {
        if (NewerReleaseException.In(read.Failure) is { } newer)
        {
            _parts.Failure.Stop(newer.Message, null);
            return;
        }
        if (read.Failure is { } failure)
            _parts.Log.LogWarning("This standby cannot read the store: {Reason}; it waits for the leader's copy", failure.GetBaseException().Message);
        if (read.State is { Index: > 0 } state && _state is null)
            Show(new StoreProtocol.StateChanged(state, Touched.Everything));
        _mayDial = true;
        Dial();
    }

    private void OnLeaderChanged()
    {
        WatchLeader();
        if (_link is { } link && link.Epoch != _parts.Leadership.Current.Epoch)
            Drop(link);
        Dial();
    }

    private void Dial()
    {
        var leader = _parts.Leadership.Current;
        if (!_mayDial || _link is not null || leader.Holder is null || leader.Holder == _parts.Me || leader.Url.Length == 0)
            return;
        var held = _state ?? ClusterState.Empty;
        var hello = new V1.StandbyHello
        {
            Node = PeerMapper.ToWire(_parts.Me),
            Cluster = held.ClusterId is { } id ? JournalMapper.ToWire(id.Value) : null,
            Epoch = leader.Epoch,
            Index = held.Index,
            Version = _parts.Version,
            Level = ReleaseLevel.Own,
        };
        (_copy, _isWelcome, _saidAll) = (new StandbyCopy(held), false, false);
        _link = LeaderLink.Open(_parts.Dialer, leader.Url, hello, Self, _parts.Times, _parts.Time);
        OnBeat();
    }

    private void OnHeard(LinkProtocol.Heard heard)
    {
        switch (heard.Message.MessageCase)
        {
            case V1.FromLeader.MessageOneofCase.Welcome:
                OnWelcome(heard.Link, heard.Message.Welcome);
                break;
            case V1.FromLeader.MessageOneofCase.Answer:
                OnAnswer(heard.Message.Answer);
                break;
            case V1.FromLeader.MessageOneofCase.Goodbye when heard.Message.Goodbye.WrongRelease:
                _parts.Failure.Stop(heard.Message.Goodbye.Reason, null);
                break;
            case V1.FromLeader.MessageOneofCase.Goodbye:
                _parts.Log.LogInformation("The leader says goodbye: {Reason}", heard.Message.Goodbye.Reason);
                _parts.Leadership.LookNow();
                break;
            case V1.FromLeader.MessageOneofCase.Beat:
                break;
            default:
                Take(heard.Link, heard.Message);
                break;
        }
    }

    private void OnWelcome(LeaderLink link, V1.LeaderWelcome welcome)
    {
        if (welcome.Epoch < _parts.Leadership.Current.Epoch)
        {
            Drop(link);
            return;
        }
        if (ReleaseLevel.Problem("the leader", ReleaseLevel.OfWire(welcome.Level), "this manager", ReleaseLevel.Own) is { } release)
        {
            _parts.Failure.Stop(release, null);
            return;
        }
        _isWelcome = true;
        _failedEpoch = 0;
        _parts.Log.LogInformation("Following the leader of epoch {Epoch}, from index {Held} to {Index}", welcome.Epoch, _state?.Index ?? 0, welcome.Index);
        if (welcome.Epoch != _toldEpoch)
            TellAll(link);
        else
            foreach (var observe in _kept.All())
                Send(link, observe);
        _toldEpoch = welcome.Epoch;
        foreach (var (request, waiting) in _registrations)
            Send(link, request, waiting.Command);
    }

    // A new leader may have seen less of the soft state than this standby: it is told what this standby's own agents said, as
    // they would tell it themselves if their sessions had broken.
    private void TellAll(LeaderLink link)
    {
        var mine = _parts.Heartbeats.Open(null).Select(open => open.Node).ToHashSet();
        if (_state is { } state)
        {
            foreach (var node in mine)
            {
                var reports = state.TasksOn(node)
                    .Where(task => task.State > TaskState.Assigned && !task.State.IsTerminal())
                    .Select(task => (task.Id, task.Status)).ToImmutableArray();
                if (!reports.IsEmpty)
                    Send(link, new StoreProtocol.Observe(node, reports));
            }
        }
        foreach (var observe in _kept.All())
            Send(link, observe);
    }

    private void Take(LeaderLink link, V1.FromLeader message)
    {
        try
        {
            if (_copy!.Take(message) is { } changed)
                Show(changed);
        }
        catch (NewerReleaseException newer)
        {
            // Read on, it would hold a part of the state, and might lead with that.
            _parts.Failure.Stop(newer.Message, null);
        }
        catch (Exception error) when (error is InvalidDataException or FormatException or KeyNotFoundException)
        {
            _parts.Log.LogError(error, "What the leader sent does not follow from what this standby holds; it catches up from nothing");
            _state = null;
            Drop(link);
            Dial();
        }
    }

    private void Show(StoreProtocol.StateChanged changed)
    {
        _state = changed.State;
        _kept.Drop(changed.State, changed.Touched);
        _router.Tell(new LeadershipProtocol.Followed(changed));
    }

    private void OnExecute(StoreProtocol.Execute execute)
    {
        if (execute.Command is not Command.RegisterNode register)
        {
            Sender.Tell(new Status.Failure(new NoLeaderException("this manager does not lead; the call must be passed on to the leader")));
            return;
        }
        var request = ++_lastRequest;
        _registrations[request] = new Waiting(Sender, register, _parts.Time.GetTimestamp());
        if (_isWelcome)
            Send(_link!, request, register);
    }

    private void OnAnswer(V1.RegisterAnswer answer)
    {
        if (!_registrations.Remove(answer.Request, out var waiting))
            return;
        waiting.Asker.Tell(answer.Index > 0
            ? new StoreProtocol.Executed(answer.Index, new CommandResults.NodeChanged(waiting.Command.Id))
            : new StoreProtocol.Refused((RefusalReason)answer.Refusal, answer.Message));
    }

    private void OnObserve(StoreProtocol.Observe observe)
    {
        _kept.Add(observe);
        if (_isWelcome)
            Send(_link!, observe);
    }

    private void OnSessionChanged(LinkProtocol.SessionChanged changed)
    {
        if (_saidAll)
            _link?.Send(new V1.FromStandby { Session = new V1.SessionChange { Node = PeerMapper.ToWire(changed.Node), Open = changed.Ended is null, Reason = changed.Ended ?? "", Restarts = changed.Restarts } });
    }

    private void OnBeat()
    {
        GiveUpLate();
        if (_link is not { } link)
            return;
        var since = _parts.Time.GetElapsedTime(_heardAt);
        _heardAt = _parts.Time.GetTimestamp();
        var open = _parts.Heartbeats.Open(null);
        var heard = _saidAll ? open.Where(each => each.Heart.Silence <= since) : open;
        link.Send(new V1.FromStandby
        {
            Heard = new V1.Heard { Index = _state?.Index ?? 0, Nodes = PeerMapper.Pack([.. heard.Select(each => each.Node)]), All = !_saidAll },
        });
        _saidAll = true;
    }

    private void GiveUpLate()
    {
        foreach (var (request, waiting) in _registrations)
        {
            if (_parts.Time.GetElapsedTime(waiting.Since) < _parts.Times.Patience)
                continue;
            _registrations.Remove(request);
            waiting.Asker.Tell(new Status.Failure(new NoLeaderException(
                $"no manager leads, or none that this one can reach, for {_parts.Times.Patience.TotalSeconds:0} s; register again")));
        }
    }

    private void OnEnded(LinkProtocol.Ended ended)
    {
        ended.Link.Dispose();
        if (ended.Link != _link)
            return;
        // While it is dialled again and again the same is said once.
        if (_isWelcome || ended.Link.Epoch != _failedEpoch)
            _parts.Log.LogInformation("The link to the leader of epoch {Epoch} ended: {Reason}; dialling again until it answers or another leads", ended.Link.Epoch, ended.Reason);
        if (ended.IsDemoted)
            _parts.OnDemoted();
        _failedEpoch = ended.Link.Epoch;
        (_link, _isWelcome) = (null, false);
        _parts.Leadership.LookNow();
        Timers.StartSingleTimer(Redial.Instance, Redial.Instance, _parts.Times.Redial);
    }

    private void Drop(LeaderLink link)
    {
        link.Close();
        if (link == _link)
            (_link, _isWelcome) = (null, false);
    }

    private void OnHandOver()
    {
        if (_link is { } link)
            Drop(link);
        Timers.CancelAll();
        _router.Tell(new LeadershipProtocol.HandedOver(_state));
        foreach (var observe in _kept.All())
            _router.Tell(observe);
        foreach (var waiting in _registrations.Values)
            _router.Tell(new StoreProtocol.Execute(waiting.Command), waiting.Asker);
        _registrations.Clear();
        // The router was told last what was sent to this actor before: such messages go back to it.
        Become(() =>
        {
            Receive<StoreProtocol.Execute>(execute => _router.Forward(execute));
            Receive<StoreProtocol.Observe>(observe => _router.Forward(observe));
            Receive<LinkProtocol.Ended>(ended => ended.Link.Dispose());
            ReceiveAny(_ => { });
        });
    }

    private void Send(LeaderLink link, StoreProtocol.Observe observe) =>
        link.Send(new V1.FromStandby { Observed = PeerMapper.ToWire(observe, _parts.Time.GetUtcNow()) });

    private void Send(LeaderLink link, long request, Command.RegisterNode command) =>
        link.Send(new V1.FromStandby { Register = PeerMapper.ToWire(command, request, _parts.Time.GetUtcNow()) });

    private sealed record Waiting(IActorRef Asker, Command.RegisterNode Command, long Since);

    private sealed record Beat
    {
        public static Beat Instance { get; } = new();
    }

    private sealed record Redial
    {
        public static Redial Instance { get; } = new();
    }
}

/// <summary>What a follower works with.</summary>
/// <param name="Leadership">Who leads.</param>
/// <param name="Me">This manager's node.</param>
/// <param name="Version">Of this program.</param>
/// <param name="Dialer">Connects to the leader.</param>
/// <param name="Heartbeats">Sessions of this manager's agents.</param>
/// <param name="Reader">Makes the actor that reads the store and tells <see cref="StoreReader.Read"/>.</param>
/// <param name="OnDemoted">The leader says that this node is no manager any more.</param>
/// <param name="Times">How the link is kept.</param>
/// <param name="Time">The clock.</param>
/// <param name="Log">Where it says what happens.</param>
/// <param name="Failure">Ends the process when it cannot follow.</param>
internal sealed record FollowerParts(
    ILeadership Leadership, NodeId Me, string Version, IPeerDialer Dialer, Heartbeats Heartbeats, Func<IActorRef, Props> Reader,
    Action OnDemoted, LinkTimes Times, TimeProvider Time, ILogger Log, IStoreFailure Failure);
