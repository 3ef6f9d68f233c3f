using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Dispatch;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Telemetry;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Peers;

/// <summary>Asks the other managers every few seconds how they are, tells agents when there are others than before, and moves
/// agents of this manager to those that have fewer.</summary>
/// <remarks>A manager that is alone looks only whether it still is.</remarks>
public sealed class PeerWatch(
    PeerDirectory peers, PeerSightings sightings, PeerOptions options, AgentSessions sessions, IRequiredActor<DispatchActor> dispatch,
    ILeadership leadership, IClusterView view, TimeProvider time, ILogger<PeerWatch> log) : BackgroundService
{
    /// <summary>Between two questions.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    /// <summary>A manager that has not answered by then is called unreachable.</summary>
    public static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1.5);

    // A manager that comes and goes is given no agents.
    private static readonly TimeSpan SteadyTime = TimeSpan.FromSeconds(10);

    // An agent that was told to move and is still here by then may be told again.
    private static readonly TimeSpan MoveTime = TimeSpan.FromSeconds(30);

    private static readonly Counter<double> Moved = BerthMeter.Counter("berth.agents.moved", "Agents that were asked to move to a manager with fewer.");

    private readonly Dictionary<NodeId, long> _reachableSince = [];
    private readonly Dictionary<NodeId, (NodeId To, long At)> _moving = [];
    private ImmutableArray<PeerPlace> _told = [];

    /// <summary>How this manager is.</summary>
    public V1.Greeting Greeting()
    {
        var state = view.Current;
        return new V1.Greeting
        {
            NodeId = options.Me.ToString(), Epoch = state.Epoch, Index = state.Index, Version = options.Version, Sessions = sessions.Count,
        };
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            var all = peers.All;
            TellAgents(all);
            var others = all.Where(manager => manager.Node != options.Me).ToImmutableArray();
            peers.Keep(others);
            sightings.Keep(others.Select(manager => manager.Node));
            if (others.IsEmpty)
                continue;
            await Task.WhenAll(others.Select(manager => AskAsync(manager, stoppingToken)));
            MoveAgents(others);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void TellAgents(ImmutableArray<PeerPlace> managers)
    {
        if (managers.SequenceEqual(_told))
            return;
        _told = managers;
        dispatch.ActorRef.Tell(new DispatchProtocol.ManagersAre([.. managers.Select(manager => (manager.Node, manager.Url))]));
    }

    private async Task AskAsync(PeerPlace manager, CancellationToken stopping)
    {
        using var patience = new CancellationTokenSource(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stopping);
        try
        {
            var answer = await peers.Talk(manager).GreetAsync(Greeting(), cancellationToken: either.Token);
            Note(manager, answer, "");
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException && !stopping.IsCancellationRequested)
        {
            Note(manager, null, patience.IsCancellationRequested || error is not RpcException refused
                ? $"it did not answer within {AnswerTime.TotalSeconds:0.0} s"
                : refused.Status.Detail);
        }
    }

    private void Note(PeerPlace manager, V1.Greeting? answer, string problem)
    {
        var before = sightings.Find(manager.Node);
        TimeSpan steady = default;
        lock (_reachableSince)
        {
            if (answer is null)
                _reachableSince.Remove(manager.Node);
            else if (_reachableSince.TryGetValue(manager.Node, out var since))
                steady = time.GetElapsedTime(since);
            else
                _reachableSince[manager.Node] = time.GetTimestamp();
        }
        sightings.Note(manager.Node, new PeerSighting(answer is not null, problem, answer ?? before?.Last, steady));
        if (before?.IsReachable == answer is not null)
            return;
        if (answer is not null)
        {
            log.LogInformation("Manager {Manager} at {Url} can be reached", peers.NameOf(manager.Node), manager.Url);
            return;
        }
        log.LogWarning("Manager {Manager} at {Url} cannot be reached: {Problem}", peers.NameOf(manager.Node), manager.Url, problem);
        if (leadership.Current.Holder == manager.Node)
            leadership.LookNow();
    }

    private void MoveAgents(ImmutableArray<PeerPlace> others)
    {
        foreach (var node in _moving.Where(move => sessions.Find(move.Key) is null || time.GetElapsedTime(move.Value.At) > MoveTime).Select(move => move.Key).ToList())
            _moving.Remove(node);
        var steady = others.Select(manager => (manager.Node, Seen: sightings.Find(manager.Node)))
            .Where(manager => manager.Seen is { IsReachable: true, Last: not null } seen && seen.ReachableFor >= SteadyTime).ToList();
        if (steady.Count < others.Length)
            return;
        var loads = steady.Select(manager => new Load(manager.Node, manager.Seen!.Last!.Sessions + _moving.Values.Count(move => move.To == manager.Node)))
            .Append(new Load(options.Me, sessions.Count - _moving.Count)).ToList();
        foreach (var (to, count) in Spread.Decide(loads, options.Me, Spread.Pace(loads.Sum(load => load.Sessions), Period)))
        {
            foreach (var session in sessions.All.Where(session => !_moving.ContainsKey(session.Node)).OrderBy(session => session.Node.Value).Take(count))
            {
                _moving[session.Node] = (to, time.GetTimestamp());
                Moved.Add(1);
                session.Send(new V1.ManagerMessage { Move = new V1.Move { NodeId = to.ToString() } });
                log.LogInformation("{Hostname} was asked to move to manager {Manager}, which has fewer agents", session.Registration.Description.Hostname, peers.NameOf(to));
            }
        }
    }
}
