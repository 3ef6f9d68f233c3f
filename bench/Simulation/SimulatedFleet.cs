using Berth.Bench.Measure;

namespace Berth.Bench.Simulation;

/// <summary>Many simulated agents in this process, with one clock for all heartbeats.</summary>
public sealed class SimulatedFleet : IAsyncDisposable
{
    private const int AgentsAtOnce = 200;

    private readonly List<SimulatedAgent> _agents = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _beats = Task.CompletedTask;
    private int _registered;
    private int _assigned;

    /// <summary>Tasks that reached an agent.</summary>
    public int AssignedCount => Volatile.Read(ref _assigned);

    /// <summary>Dials with <paramref name="count"/> agents and waits until all are registered.</summary>
    public static async Task<SimulatedFleet> ConnectAsync(string socket, int count)
    {
        var fleet = new SimulatedFleet();
        for (var number = 0; number < count; number++)
        {
            // Real agents dial again when the socket's queue is full (512); these do not.
            if (number % AgentsAtOnce == 0)
                await fleet.RegisteredAsync(number);
            fleet._agents.Add(new SimulatedAgent(socket, number, fleet));
        }
        fleet._beats = fleet.BeatAsync();
        await fleet.RegisteredAsync(count);
        return fleet;
    }

    internal void Registered() => Interlocked.Increment(ref _registered);

    internal void Assigned(int tasks) => Interlocked.Add(ref _assigned, tasks);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beats;
        foreach (var agent in _agents)
            await agent.DisposeAsync();
        _stop.Dispose();
    }

    private Task RegisteredAsync(int count) =>
        Command.UntilAsync($"{count} agents are registered", TimeSpan.FromSeconds(60), () => Task.FromResult(Volatile.Read(ref _registered) >= count), everyMilliseconds: 5);

    private async Task BeatAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
                _agents.ForEach(agent => agent.Beat());
        }
        catch (OperationCanceledException)
        {
            // The fleet goes home.
        }
    }
}
