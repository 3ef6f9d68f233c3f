using System.Runtime.InteropServices;
using Berth.Agent.Engine;
using Berth.Agent.Session;
using Berth.Agent.Tasks;
using Berth.Model;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Hosting;

/// <summary>Puts the agent together and runs it until it is told to stop. Containers keep running.</summary>
public static class AgentHost
{
    /// <summary>Runs the agent.</summary>
    /// <returns>The process's exit code: 0 when told to stop, 1 when it cannot run.</returns>
    public static async Task<int> RunAsync(AgentOptions options)
    {
        var time = TimeProvider.System;
        var log = new StderrLog(options.LogLevel, time);
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, stop));
        try
        {
            using var state = AgentStateFile.Open(options.Data, IdSource.Random);
            await RunAsync(options, state, log, time, stop.Token).ConfigureAwait(false);
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.LogError("the agent cannot run: {Reason}", error.Message);
            return 1;
        }
    }

    private static async Task RunAsync(AgentOptions options, AgentStateFile state, ILogger log, TimeProvider time, CancellationToken stopping)
    {
        var version = typeof(AgentHost).Assembly.GetName().Version?.ToString(3) ?? "";
        using var engine = new DockerEngine(options.EngineSocket);
        using var channels = new ManagerChannels(options.Managers);
        var identity = new AgentIdentity(state.Node, state.Cluster ?? default);
        var board = new TaskBoard();
        var health = new EngineHealth();
        var runner = new StepRunner(engine, new ImagePulls(engine, log, time, stopping), identity, time);
        var keeper = new TaskKeeper(runner, state, board, health, IdSource.Random, log, time);
        var facts = new NodeFacts(options.Hostname ?? Environment.MachineName, options.Address ?? NodeFacts.FirstAddress(), version);
        var parts = new SessionParts
        {
            State = state, Identity = identity, Keeper = keeper, Board = board, Health = health, Engine = engine,
            Facts = facts, IsManager = options.IsManager, Log = log, Time = time,
        };

        keeper.Restore(state.Tasks());
        log.LogInformation("berth-agent {Version}: node {Node} ({Hostname} {Address}), {Tasks} tasks held, engine {Engine}",
            version, state.Node, facts.Hostname, facts.Address, board.Tasks.Count, options.EngineSocket);
        // Each runs for the agent's whole life: one that fails is a bug, and a restarted agent takes its containers over.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task[] loops =
        [
            keeper.RunAsync(ending.Token),
            new EngineWatch(engine, identity, keeper, health, log, time).RunAsync(ending.Token),
            new ManagerLink(parts, channels, Random.Shared).RunAsync(ending.Token),
        ];
        try
        {
            await await Task.WhenAny(loops).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static void Stop(PosixSignalContext context, CancellationTokenSource stop)
    {
        context.Cancel = true;
        stop.Cancel();
    }
}
