using Berth.Agent.Engine;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Tasks;

/// <summary>Stays connected to the engine: lists, listens, and notices when it dies or hangs.</summary>
/// <remarks>Events are hints. After each connect: ping, subscribe, list; what happens in between waits in the stream. The list
/// is read again every minute, so that a hint that never came costs a minute at most.</remarks>
public sealed class EngineWatch(IEngine engine, AgentIdentity identity, TaskKeeper keeper, EngineHealth health, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PingPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);
    private const int PingsPerFacts = 4;
    private const int PingsPerList = 12;

    /// <summary>Runs until the agent stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var pause = FirstPause;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await ConnectedAsync(() => pause = FirstPause, stopping).ConfigureAwait(false);
            }
            catch (EngineException lost)
            {
                if (health.Lose(lost.Message, time.GetUtcNow()))
                    log.LogError("{Reason}; its tasks keep their last known states, trying again", lost.Message);
                keeper.Post(new KeeperInput.EngineLost());
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task ConnectedAsync(Action connected, CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var label = TaskLabels.OfNode(identity.Node);
        var facts = await WithinAsync(engine.ConnectAsync, ending.Token).ConfigureAwait(false);
        using var events = await WithinAsync(cancellation => engine.SubscribeAsync(label, cancellation), ending.Token).ConfigureAwait(false);
        await ListAsync(label, ending.Token).ConfigureAwait(false);
        connected();
        if (health.Answer(facts))
            log.LogInformation("engine {Version} answers, API {Api}", facts.Version, facts.ApiVersion);

        var listening = ListenAsync(events, ending.Token);
        var watching = WatchAsync(label, ending.Token);
        try
        {
            await await Task.WhenAny(listening, watching).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(listening, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(IEngineEvents events, CancellationToken cancellation)
    {
        await foreach (var happened in events.ReadAsync(cancellation).ConfigureAwait(false))
            keeper.Post(new KeeperInput.Happened(happened));
    }

    // A hung daemon leaves its event stream silent, as an idle one does: only asking tells them apart.
    private async Task WatchAsync(string label, CancellationToken cancellation)
    {
        for (var turn = 1; ; turn++)
        {
            var doubted = health.DoubtedAsync(settle: false);
            await Task.WhenAny(doubted, Task.Delay(PingPeriod, time, cancellation)).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            await WithinAsync(async token => { await engine.PingAsync(token).ConfigureAwait(false); return true; }, cancellation).ConfigureAwait(false);
            if (turn % PingsPerFacts == 0)
                health.Answer(await WithinAsync(engine.ConnectAsync, cancellation).ConfigureAwait(false));
            if (doubted.IsCompleted || turn % PingsPerList == 0)
                await ListAsync(label, cancellation).ConfigureAwait(false);
        }
    }

    private async Task ListAsync(string label, CancellationToken cancellation)
    {
        _ = health.DoubtedAsync(settle: true);
        var asOf = time.GetTimestamp();
        var containers = await WithinAsync(token => engine.ListAsync(label, token), cancellation).ConfigureAwait(false);
        keeper.Post(new KeeperInput.EngineListed(containers, asOf));
    }

    private async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(AnswerWithin, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await call(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new EngineException(EngineFault.Unavailable, $"the engine hangs: it did not answer within {AnswerWithin.TotalSeconds:0} s");
        }
    }
}
