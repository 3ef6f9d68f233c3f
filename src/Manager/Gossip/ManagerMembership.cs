using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Hosting.Logging;
using Akka.Remote.Transport.DotNetty;
using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Gossip;

/// <summary>One membership of the managers' Akka cluster: an actor system of its own, in which there is nothing but that.</summary>
/// <remarks>Apart from the actors that do the work: these cannot be reached from the network at all, a manager that is alone pays
/// nothing, and a new certificate or address takes a new membership and no restart.</remarks>
internal sealed class ManagerMembership : IAsyncDisposable
{
    private static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(3);

    private readonly ActorSystem _system;
    private readonly Cluster _cluster;
    private readonly ConcurrentDictionary<Address, long> _unreachableSince = new();
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private volatile bool _isRemoved;

    private ManagerMembership(ActorSystem system, TimeProvider time, Action<NodeId> onUnreachable)
    {
        _system = system;
        _time = time;
        _startedAt = time.GetTimestamp();
        _cluster = Cluster.Get(system);
        _cluster.RegisterOnMemberRemoved(() => _isRemoved = true);
        system.ActorOf(Props.Create(() => new Watcher(this, onUnreachable)), "watcher");
    }

    /// <summary>Starts one and asks the others to be let in.</summary>
    /// <param name="settings">Where, and who.</param>
    /// <param name="seeds">Addresses to ask, host and port.</param>
    /// <param name="time">Counts how long members are unreachable.</param>
    /// <param name="logs">Where Akka's warnings go.</param>
    /// <param name="onUnreachable">Told when a member stops answering.</param>
    public static ManagerMembership Start(
        MembershipSettings settings, ImmutableArray<string> seeds, TimeProvider time, ILoggerFactory logs, Action<NodeId> onUnreachable)
    {
        var setup = ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(settings.Hocon)), new LoggerFactorySetup(logs), settings.Tls);
        var system = ActorSystem.Create(MembershipSettings.SystemName, setup);
        var membership = new ManagerMembership(system, time, onUnreachable);
        membership._cluster.JoinSeedNodes([.. seeds.Select(seed => AddressOf(membership._cluster.SelfAddress, seed))]);
        return membership;
    }

    /// <summary>How it stands.</summary>
    /// <param name="isOver">Its certificate is not the newest.</param>
    public OwnMembership Look(bool isOver)
    {
        var members = _cluster.State.Members.Select(member => new SeenMember(NodeOf(member), PlaceOf(member.Address), UnreachableFor(member.Address)));
        return new OwnMembership(PlaceOf(_cluster.SelfAddress), _time.GetElapsedTime(_startedAt), isOver || _isRemoved, [.. members]);
    }

    /// <summary>Forgets members that are gone.</summary>
    public void Forget(ImmutableArray<string> addresses)
    {
        foreach (var member in _cluster.State.Members.Where(member => addresses.Contains(PlaceOf(member.Address))))
            _cluster.Down(member.Address);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(LeaveTime);
        // Who does not hear of it calls this member unreachable, and forgets it.
        if (!_isRemoved)
            await _cluster.LeaveAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await AbandonAsync();
    }

    /// <summary>Ends without a word to the others.</summary>
    /// <remarks>A system that takes longer ends by itself: a membership only hints, and must never end the manager.</remarks>
    public async Task AbandonAsync() => await _system.Terminate().WaitAsync(LeaveTime).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private TimeSpan UnreachableFor(Address address) =>
        _unreachableSince.TryGetValue(address, out var since) ? _time.GetElapsedTime(since) + TimeSpan.FromTicks(1) : TimeSpan.Zero;

    private static NodeId? NodeOf(Member member) =>
        member.Roles.Select(role => NodeId.TryParse(role, out var id) ? id : (NodeId?)null).FirstOrDefault(id => id is not null);

    private static string PlaceOf(Address address) => $"{address.Host}:{address.Port}";

    private static Address AddressOf(Address self, string place)
    {
        var at = place.LastIndexOf(':');
        return new Address(self.Protocol, self.System, place[..at], int.Parse(place[(at + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    private sealed class Watcher : ReceiveActor
    {
        private readonly ManagerMembership _membership;

        public Watcher(ManagerMembership membership, Action<NodeId> onUnreachable)
        {
            _membership = membership;
            Receive<ClusterEvent.UnreachableMember>(gone =>
            {
                membership._unreachableSince.TryAdd(gone.Member.Address, membership._time.GetTimestamp());
                if (NodeOf(gone.Member) is { } node)
                    onUnreachable(node);
            });
            Receive<ClusterEvent.ReachableMember>(back => membership._unreachableSince.TryRemove(back.Member.Address, out _));
            Receive<ClusterEvent.MemberRemoved>(removed => membership._unreachableSince.TryRemove(removed.Member.Address, out _));
        }

        protected override void PreStart() => _membership._cluster.Subscribe(
            Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IReachabilityEvent), typeof(ClusterEvent.MemberRemoved));
    }
}

/// <summary>Settings of a membership.</summary>
/// <param name="Host">The address it listens on and is reached at.</param>
/// <param name="Port">Its port.</param>
/// <param name="Node">This manager.</param>
/// <param name="Tls">Its certificate, and whom it believes.</param>
/// <param name="Scheduler">Class of Akka's scheduler.</param>
/// <param name="RefusingSerializer">Class that stands where Akka would use JSON.</param>
internal sealed record MembershipSettings(string Host, int Port, NodeId Node, DotNettySslSetup Tls, Type Scheduler, Type RefusingSerializer)
{
    public const string SystemName = "berth-managers";

    /// <summary>Messages of the cluster are a few hundred bytes.</summary>
    public const int FrameBytes = 256 << 10;

    /// <summary>As Akka reads them. Nothing hangs on how fast a member is called unreachable (who leads is the store's to say), so
    /// nobody pays for four beats a second; nobody is downed but by <see cref="MembershipDecider"/>.</summary>
    public string Hocon => $$"""
        akka {
          loglevel = WARNING
          stdout-loglevel = OFF
          loggers = ["Akka.Hosting.Logging.LoggerFactoryLogger, Akka.Hosting"]
          log-dead-letters = off
          scheduler.implementation = "{{Scheduler.AssemblyQualifiedName}}"
          coordinated-shutdown { exit-clr = off, run-by-clr-shutdown-hook = off, run-by-actor-system-terminate = off }
          actor {
            provider = cluster
            serializers { json = "{{RefusingSerializer.AssemblyQualifiedName}}" }
          }
          remote {
            log-remote-lifecycle-events = off
            retry-gate-closed-for = 1s
            dot-netty.tcp {
              hostname = "{{Host}}"
              port = {{Port}}
              enable-ssl = true
              maximum-frame-size = {{FrameBytes}}b
              send-buffer-size = {{FrameBytes}}b
              receive-buffer-size = {{FrameBytes}}b
            }
          }
          cluster {
            roles = ["{{Node}}"]
            downing-provider-class = "Akka.Cluster.NoDowning, Akka.Cluster"
            run-coordinated-shutdown-when-down = off
            retry-unsuccessful-join-after = 2s
            seed-node-timeout = 3s
            gossip-interval = 1s
            leader-actions-interval = 1s
            unreachable-nodes-reaper-interval = 1s
            periodic-tasks-initial-delay = 1s
            publish-stats-interval = off
            failure-detector { heartbeat-interval = 1s, acceptable-heartbeat-pause = 3s, threshold = 8, min-std-deviation = 100ms, expected-response-after = 1s }
          }
        }
        """;
}
