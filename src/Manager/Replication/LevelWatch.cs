using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Replication;

/// <summary>While this manager leads: raises the release level of the state as <see cref="LevelDecider"/> says.</summary>
internal sealed class LevelWatch(
    IClusterView view, ILeadership leadership, LeadershipOptions me, IStandbys standbys, IRequiredActor<StoreActor> store, TimeProvider time,
    ILogger<LevelWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (leadership.IsLeading && leadership.HasValidLease && view.Current is { ClusterId: not null } state
                && LevelDecider.Decide(state, me.Me, ReleaseLevel.Own, standbys.All) is { } level)
            {
                await RaiseAsync(state.Level, level, stoppingToken);
            }
        }
    }

    private async Task RaiseAsync(int from, int to, CancellationToken stopping)
    {
        try
        {
            var actor = await store.GetAsync(stopping);
            if (await actor.Ask<object>(new StoreProtocol.Execute(new Command.RaiseLevel(to)), Patience, stopping) is StoreProtocol.Executed)
                log.LogInformation("Every manager is of release level {Level} now: the state was raised from level {Before}, and earlier releases cannot read it any more", to, from);
        }
        catch (Exception error) when (error is AskTimeoutException or NoLeaderException)
        {
            log.LogWarning("The state's release level was not raised to {Level} yet: {Reason}", to, error.Message);
        }
    }
}
