using System.Collections.Concurrent;
using System.Diagnostics;
using Berth.Bench.Measure;
using Grpc.Core;
using ManagerEndpoint = Berth.Agent.Session.ManagerEndpoint;

namespace Berth.Bench.Simulation;

/// <summary>Many <see cref="RejoiningAgent"/>s in this process, and when each came to which manager.</summary>
public sealed class RejoiningFleet : IAsyncDisposable
{
    private const int StartAtOnce = 100;
    // One of so many groups beats at a time: real agents do not beat at the same instant.
    private const int BeatGroups = 20;

    private readonly IReadOnlyList<RejoiningAgent> _agents;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<RejoiningAgent, long> _moving = new();
    private readonly ConcurrentQueue<TimeSpan> _moves = new();
    private readonly ConcurrentDictionary<string, int> _failures = new();
    private readonly long[] _registeredAt;
    private readonly List<Task> _running = [];
    private Task _beats = Task.CompletedTask;
    private int _assigned;
    private int _silent;
    private int _broken;

    private RejoiningFleet(IReadOnlyList<FleetMember> members, IReadOnlyList<Uri> managers)
    {
        ManagerEndpoint[] seeds = [.. managers.Select(url => new ManagerEndpoint("", url))];
        _registeredAt = new long[members.Count];
        _agents = [.. members.Select(member => new RejoiningAgent(member, this, seeds))];
    }

    /// <summary>Tasks that reached an agent.</summary>
    public int AssignedCount => Volatile.Read(ref _assigned);

    /// <summary>Sessions that an agent ended because its manager answered no heartbeat.</summary>
    public int Silent => Volatile.Read(ref _silent);

    /// <summary>Sessions that ended otherwise than by a move.</summary>
    public int Broken => Volatile.Read(ref _broken);

    /// <summary>How long each move took, from the manager's word to the next session.</summary>
    public IReadOnlyCollection<TimeSpan> Moves => _moves;

    /// <summary>Why dials and sessions failed, with how often.</summary>
    public string Failures => string.Join("; ", _failures.OrderByDescending(one => one.Value).Take(6).Select(one => $"{one.Value} × {one.Key}"));

    /// <summary>How many agents are at each manager.</summary>
    public IReadOnlyDictionary<string, int> Sessions =>
        _agents.Select(agent => agent.At).OfType<Uri>().CountBy(url => url.GetLeftPart(UriPartial.Authority)).ToDictionary();

    /// <summary>Agents that are at this manager.</summary>
    public IReadOnlyList<RejoiningAgent> At(ClusterHost manager) =>
        [.. _agents.Where(agent => agent.At is { } url && url == new Uri(manager.Url))];

    /// <summary>Starts all agents, a few at a time, and waits until each has a session.</summary>
    /// <param name="members">Who they are.</param>
    /// <param name="managers">Whom they know at first.</param>
    public static async Task<RejoiningFleet> ConnectAsync(IReadOnlyList<FleetMember> members, params IReadOnlyList<Uri> managers)
    {
        var fleet = new RejoiningFleet(members, managers);
        fleet._beats = fleet.BeatAsync();
        for (var started = 0; started < members.Count; started += StartAtOnce)
        {
            fleet._running.AddRange(fleet._agents.Skip(started).Take(StartAtOnce).Select(agent => Task.Run(() => agent.RunAsync(fleet._stop.Token))));
            await fleet.ConnectedAsync(Math.Min(started + StartAtOnce, members.Count) - StartAtOnce / 2);
        }
        await fleet.ConnectedAsync(members.Count);
        return fleet;
    }

    /// <summary>Waits until so many agents have a session.</summary>
    public async Task ConnectedAsync(int count)
    {
        try
        {
            await Command.UntilAsync($"{count} agents have a session", TimeSpan.FromSeconds(120),
                () => Task.FromResult(_agents.Count(agent => agent.At is not null) >= count), everyMilliseconds: 10);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}, {_agents.Count(agent => agent.At is not null)} have; {Failures}", e);
        }
    }

    /// <summary>When this agent's newest session began, a timestamp of the monotonic clock.</summary>
    public long RegisteredAt(RejoiningAgent agent) => Volatile.Read(ref _registeredAt[agent.Who.Number]);

    /// <summary>Forgets why and how often sessions failed so far.</summary>
    public void Forget()
    {
        _failures.Clear();
        _moves.Clear();
        (_silent, _broken) = (0, 0);
    }

    internal void Registered(RejoiningAgent agent, long at)
    {
        Volatile.Write(ref _registeredAt[agent.Who.Number], at);
        if (_moving.TryRemove(agent, out var told))
            _moves.Enqueue(Stopwatch.GetElapsedTime(told, at));
    }

    internal void Moving(RejoiningAgent agent, long at) => _moving[agent] = at;

    internal void Assigned(int tasks) => Interlocked.Add(ref _assigned, tasks);

    internal void FoundSilent() => Interlocked.Increment(ref _silent);

    internal void Failed(bool inSession, Exception reason)
    {
        if (inSession)
            Interlocked.Increment(ref _broken);
        var text = reason is RpcException rpc ? $"{rpc.StatusCode} {rpc.Status.DebugException?.Message ?? rpc.Status.Detail}" : $"{reason.GetType().Name}: {reason.Message}";
        _failures.AddOrUpdate((inSession ? "session: " : "dial: ") + text, 1, (_, count) => count + 1);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        await _beats;
        _stop.Dispose();
    }

    private async Task BeatAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1) / BeatGroups);
        try
        {
            for (var group = 0; await timer.WaitForNextTickAsync(_stop.Token); group = (group + 1) % BeatGroups)
            {
                for (var at = group; at < _agents.Count; at += BeatGroups)
                    _agents[at].Tick();
            }
        }
        catch (OperationCanceledException)
        {
            // The fleet goes home.
        }
    }
}
