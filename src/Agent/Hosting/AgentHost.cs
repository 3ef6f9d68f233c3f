using System.Net;
using System.Runtime.InteropServices;
using Berth.Agent.Balance;
using Berth.Agent.Engine;
using Berth.Agent.Membership;
using Berth.Agent.Names;
using Berth.Agent.Network;
using Berth.Agent.Session;
using Berth.Agent.Tasks;
using Berth.Identity;
using Berth.Model;
using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Hosting;

/// <summary>Puts the agent together and runs it until it is told to stop. Containers keep running.</summary>
public static class AgentHost
{
    /// <summary>Of this program, such as <c>0.1.0</c>.</summary>
    public static string Version { get; } = typeof(AgentHost).Assembly.GetName().Version?.ToString(3) ?? "";

    private const int NamePort = 53;

    /// <summary>Runs the agent.</summary>
    /// <returns>The process's exit code: 0 when told to stop, 1 when it cannot run.</returns>
    public static async Task<int> RunAsync(AgentOptions options)
    {
        var time = TimeProvider.System;
        var recent = new RecentLogs();
        var log = new StderrLog(options.LogLevel, options.LogFormat, recent, time);
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, stop));
        using var traces = TraceExport.Start("berth-agent", Version, Environment.GetEnvironmentVariable);
        try
        {
            // A node that left its cluster goes on as a new one, which may join another.
            while (!stop.IsCancellationRequested)
            {
                var files = new MembershipFiles(options.Data, log);
                using var state = AgentStateFile.Open(options.Data, IdSource.Random, Certified(files));
                await RunAsync(options, state, files, log, recent, time, stop.Token).ConfigureAwait(false);
            }
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            log.LogError("the agent cannot run: {Reason}", error.Message);
            return 1;
        }
    }

    // An identity that is not an agent's is said by whoever takes it up.
    private static NodeId? Certified(MembershipFiles files) =>
        files.Identity.Load()?.Subject is { Role: CertificateRole.Worker } subject ? subject.NodeId : null;

    private static async Task RunAsync(
        AgentOptions options, AgentStateFile state, MembershipFiles files, ILogger log, RecentLogs recent, TimeProvider time,
        CancellationToken stopping)
    {
        using var docker = new DockerEngine(options.EngineSocket);
        var engine = new MeteredEngine(docker, time);
        var identity = new AgentIdentity(state.Node, state.Cluster ?? default);
        var board = new TaskBoard();
        var health = new EngineHealth();
        var plane = new Plane();
        plane.Change(told => told with { Wanted = state.Networks() });
        using var host = new HostNetwork(state.Node, plane, log, time);
        var balance = new HostBalance(plane, log, time);
        var names = new NameKeeper(plane, new IPEndPoint(HostPlan.Resolver, NamePort), options.Data, log, time);
        var connections = new TaskConnections(new TaskNetworks(plane, host, log, time), health);
        var feed = new NetworkFeed(plane, state, health, log, time);
        var runner = new StepRunner(engine, new ImagePulls(engine, log, time, stopping), connections, identity, time);
        var keeper = new TaskKeeper(runner, state, board, health, IdSource.Random, log, time);
        var facts = new NodeFacts(options.Hostname ?? Environment.MachineName, options.Address ?? NodeFacts.FirstAddress(), Version);
        var membership = new NodeMembership(
            files, state, wish => new Joiner(state.Node, facts.Hostname, wish.Address ?? facts.Address, CertificateRole.Worker), Random.Shared, log, time);
        await using var pages = new AgentPages();
        var parts = new SessionParts
        {
            RecentLogs = recent, Metrics = pages.Page.Text,
            State = state, Identity = identity, Keeper = keeper, Board = board, Health = health, Engine = engine,
            Facts = facts, IsManager = options.IsManager, Membership = membership, Log = log, Time = time,
            HostStops = HostShutdown.OfSystemd.IsUnderWayAsync,
            Networks = feed, NetworkWarnings = () => host.Warnings.Concat(balance.Warnings).Concat(names.Warnings),
            Networking = () => NetworkFacts.Describe(health.Facts, host.Missing, host.OwnRoutes),
            Duty = new ManagerDuty(options.ManagerData ?? Path.Combine(Path.GetFullPath(options.Data), "..", "manager"), log, time),
        };

        var seeds = new SeedWatch(options.Managers, options.Consuls, () => state.Cluster, Random.Shared, log, time);
        var link = new ManagerLink(parts, seeds, Random.Shared);
        pages.Show(Version, parts, link);
        pages.Serve(options.Data, options.Metrics, log);
        keeper.Restore(state.Tasks());
        await connections.RestoreAsync(board.Tasks.Values).ConfigureAwait(false);
        membership.Load();
        log.LogInformation("berth-agent {Version}: node {Node} ({Hostname} {Address}), {Tasks} tasks held, engine {Engine}",
            Version, state.Node, facts.Hostname, facts.Address, board.Tasks.Count, options.EngineSocket);
        // Each runs for the agent's whole life: one that fails is a bug, and a restarted agent takes its containers over.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        Task[] loops =
        [
            keeper.RunAsync(ending.Token),
            new EngineWatch(engine, identity, keeper, health, log, time).RunAsync(ending.Token),
            membership.RunAsync(ending.Token),
            host.RunAsync(ending.Token),
            balance.RunAsync(ending.Token),
            names.RunAsync(ending.Token),
            feed.RunAsync(ending.Token),
            WatchAsync(seeds, ending.Token),
            LeaveAsync(parts, link.RunAsync(linked.Token), linked, ending.Token),
        ];
        await UntilOneEndsAsync(loops, ending).ConfigureAwait(false);
        if (membership.Leaving.IsCompleted && board.Tasks.IsEmpty && !stopping.IsCancellationRequested)
        {
            host.Clear();
            await balance.ClearAsync().ConfigureAwait(false);
            NameKeeper.Release(options.Data);
            Forget(state, files, membership, parts.Duty, log);
        }
    }

    private static async Task UntilOneEndsAsync(Task[] loops, CancellationTokenSource ending)
    {
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

    // With nothing to watch there is nothing to end either.
    private static async Task WatchAsync(SeedWatch seeds, CancellationToken stopping)
    {
        await seeds.RunAsync(stopping).ConfigureAwait(false);
        await Task.Delay(Timeout.InfiniteTimeSpan, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // Leaving: no manager is listened to any more, every task is stopped and deleted, and then the node is forgotten.
    private static async Task LeaveAsync(SessionParts parts, Task link, CancellationTokenSource linked, CancellationToken stopping)
    {
        await Task.WhenAny(link, parts.Membership.Leaving).ConfigureAwait(false);
        if (!parts.Membership.Leaving.IsCompleted || stopping.IsCancellationRequested)
        {
            await link.ConfigureAwait(false);
            return;
        }
        parts.Log.LogInformation("leaving the cluster: stopping {Tasks} tasks", parts.Board.Tasks.Count);
        await linked.CancelAsync().ConfigureAwait(false);
        await link.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        parts.Keeper.Post(new KeeperInput.Assigned(new AssignmentChange(IsFull: true, [], [])));
        while (!parts.Board.Tasks.IsEmpty)
        {
            parts.Board.TakeChanged();
            if (!parts.Board.Tasks.IsEmpty)
                await parts.Board.WaitAsync(stopping).ConfigureAwait(false);
        }
    }

    private static void Forget(AgentStateFile state, MembershipFiles files, NodeMembership membership, ManagerDuty duty, ILogger log)
    {
        log.LogInformation("node {Node} has left its cluster; the cluster forgets it with: berth node rm {Node}", state.Node, state.Node);
        state.Delete();
        membership.Forget();
        duty.Forget();
        files.RemoveLeaveWish();
    }

    private static void Stop(PosixSignalContext context, CancellationTokenSource stop)
    {
        context.Cancel = true;
        stop.Cancel();
    }
}
