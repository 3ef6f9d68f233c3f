using Akka.Actor;
using Akka.Hosting;
using Berth.Manager.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Leadership;

/// <summary>Takes the lead, keeps it and lets it go, as <see cref="LeadershipDecider"/> says.</summary>
/// <remarks>A manager that is alone takes it once, at its start, and has no timer.</remarks>
public sealed class LeadershipService(
    LeadershipOptions options, LeadershipBoard board, LeaderTerm term, IRequiredActor<StoreActor> router, IStoreFailure failure,
    IClusterView view, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<LeadershipService> log) : BackgroundService, IHostedLifecycleService
{
    // A write that is on its way takes milliseconds; whoever stops does not wait for a store that does not answer.
    private static readonly TimeSpan StepDownTime = TimeSpan.FromSeconds(2);

    private readonly LeadershipTimes _times = options.Times;
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _turn = new(1);
    private volatile TaskCompletionSource _becameShared = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SharedRecord? _record = options.Record;
    private volatile bool _isReady;
    private bool _storeFails;
    private TimeSpan? _demotedAt;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        if (_record is not { IsShared: true })
            await LeadAloneAsync(ending.Token);
        try
        {
            var goesOn = true;
            while (goesOn && !ending.IsCancellationRequested)
                goesOn = _record is { IsShared: true } ? await StepInTurnAsync(ending.Token) : await IsSharedAsync(ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Told to stop; the lead is let go elsewhere.
        }
    }

    /// <summary>The lead goes on in another store: its record is renewed from now on, the earlier one no more.</summary>
    /// <param name="record">The other store's record.</param>
    /// <param name="take">Takes the lead there; nothing is renewed meanwhile.</param>
    /// <param name="cancellation">Gives up before it is taken.</param>
    /// <returns>What was taken.</returns>
    public async Task<LeaderRecord> MoveAsync(SharedRecord record, Func<Task<LeaderRecord>> take, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            var begunAt = board.Now;
            var taken = await take();
            _record = record;
            if (record.IsShared)
                board.BecomeShared(taken, begunAt);
            else
                board.BecomeAlone(taken);
            _becameShared.TrySetResult();
            return taken;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<bool> IsSharedAsync(CancellationToken cancellation)
    {
        await _becameShared.Task.WaitAsync(cancellation);
        if (_record is not { IsShared: true })
            _becameShared = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return true;
    }

    // Between two steps the record may become another store's.
    private async Task<bool> StepInTurnAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            return _record is not { IsShared: true } shared || await StepOrRestAsync(shared.Record, cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task LeadAloneAsync(CancellationToken cancellation)
    {
        var mine = LeaderRecord.None with { Holder = options.Me, Url = options.Url };
        if (options.Record is { } own)
        {
            LeaderRecord? taken = null;
            while (taken is null)
                taken = await own.Record.TryTakeAsync(await own.Record.ReadAsync(cancellation), options.Me, options.Url, cancellation);
            mine = taken;
            term.Begin(mine.Epoch);
        }
        board.BecomeAlone(mine);
        router.ActorRef.Tell(new LeadershipProtocol.Lead(mine.Epoch));
    }

    // False when another leads.
    private async Task<bool> StepOrRestAsync(ILeaderRecord record, CancellationToken cancellation)
    {
        try
        {
            if (!await StepAsync(record, cancellation))
                return false;
            NoteStore(null);
        }
        catch (StoreMovedException moved)
        {
            // Where to, its next start asks the others.
            board.Become(LeadershipDecider.OnOver);
            failure.LoseLead(moved.Message);
            return false;
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            // Whatever the store's client throws: without an answer nothing is known, and the next attempt asks again.
            NoteStore(error);
            await Task.Delay(_times.RetryAfter, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return true;
    }

    // False when another leads.
    private async Task<bool> StepAsync(ILeaderRecord record, CancellationToken cancellation)
    {
        var hint = board.Hint;
        switch (LeadershipDecider.Next(board.State, Rank(), _isReady, DemotedAt(), board.Now, _times))
        {
            case LeadershipStep.Look:
                var seen = await WithinAsync(record.ReadAsync, cancellation);
                board.Become(state => LeadershipDecider.OnSeen(state, seen, board.Now));
                return true;
            case LeadershipStep.Take take:
                await TakeAsync(record, take.Seen, cancellation);
                return true;
            case LeadershipStep.Renew renew:
                return await RenewAsync(record, renew.Epoch, cancellation);
            case LeadershipStep.Leave:
                log.LogWarning("This node is no manager any more: it hands the lead over and ends");
                lifetime.StopApplication();
                return false;
            case LeadershipStep.Wait wait when board.IsLeading:
                await Task.Delay(Positive(wait.Until - board.Now), time, cancellation);
                return true;
            case LeadershipStep.Wait wait:
                await WatchAsync(record, wait.Until, hint, cancellation);
                return true;
            default:
                throw new InvalidOperationException("not a step");
        }
    }

    private async Task WatchAsync(ILeaderRecord record, TimeSpan until, CancellationToken hint, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, hint);
        try
        {
            var seen = await record.ChangeAsync(board.State.Seen!, Positive(until - board.Now), either.Token);
            board.Become(state => LeadershipDecider.OnSeen(state, seen, board.Now));
        }
        catch (Exception) when (hint.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // The hint asks for another look, which the next step takes.
        }
    }

    private async Task TakeAsync(ILeaderRecord record, LeaderRecord seen, CancellationToken cancellation)
    {
        var begunAt = board.Now;
        var taken = await WithinAsync(token => record.TryTakeAsync(seen, options.Me, options.Url, token), cancellation);
        if (taken is null)
        {
            board.Become(LeadershipDecider.OnMissed);
            return;
        }
        log.LogInformation("This manager leads: epoch {Epoch}, after {Before}", taken.Epoch, Describe(seen));
        term.Begin(taken.Epoch);
        board.Become(state => LeadershipDecider.OnTaken(state, taken, begunAt));
        router.ActorRef.Tell(new LeadershipProtocol.Lead(taken.Epoch));
    }

    private async Task<bool> RenewAsync(ILeaderRecord record, long epoch, CancellationToken cancellation)
    {
        var begunAt = board.Now;
        board.Become(state => LeadershipDecider.OnTrying(state, begunAt));
        if (!await WithinAsync(token => record.RenewAsync(epoch, token), cancellation))
        {
            board.Become(LeadershipDecider.OnOver);
            failure.LoseLead($"the store's record of who leads is no longer of epoch {epoch}");
            return false;
        }
        var wasValid = ((ILease)board).IsValid;
        board.Become(state => LeadershipDecider.OnRenewed(state, begunAt));
        if (!wasValid)
            router.ActorRef.Tell(new StoreProtocol.LeaseRenewed());
        return true;
    }

    // Asked to stop: what was taken is finished, then the record is let go, and standbys are told by their links' end.
    private async Task LeaveAsync()
    {
        try
        {
            if (_record is { IsShared: true } shared && board.IsLeading)
            {
                var epoch = board.Current.Epoch;
                await router.ActorRef.Ask<LeadershipProtocol.SteppedDown>(new LeadershipProtocol.StepDown(), StepDownTime);
                // Before the record is free, this process must have ceased to believe that it leads.
                board.Become(LeadershipDecider.OnOver);
                await WithinAsync(async token =>
                {
                    await shared.Record.ReleaseAsync(epoch, token);
                    return true;
                }, CancellationToken.None);
                log.LogInformation("This manager has let go of the lead, epoch {Epoch}", epoch);
            }
        }
        catch (Exception error)
        {
            // Whatever failed: others take over without it, only a little later.
            board.Become(LeadershipDecider.OnOver);
            log.LogWarning("The lead was not handed over: {Reason}", error.GetBaseException().Message);
        }
        finally
        {
            _left.TrySetResult();
        }
    }

    private async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(_times.StoreTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await call(either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"the store did not answer within {_times.StoreTimeout.TotalSeconds:0.#} s");
        }
    }

    private void NoteStore(Exception? error)
    {
        if (error is not null && !_storeFails)
            log.LogWarning("The store does not say who leads: {Reason}; asking again every {Every} ms", error.GetBaseException().Message, _times.RetryAfter.TotalMilliseconds);
        else if (error is null && _storeFails)
            log.LogInformation("The store says again who leads");
        _storeFails = error is not null;
    }

    private int Rank() => LeadershipDecider.Rank(
        view.Current.Nodes.Values.Where(node => node.Spec.Role == Model.NodeRole.Manager).Select(node => node.Id), options.Me);

    // A node that the state does not know is a first manager's, whose agent has not registered yet.
    private TimeSpan? DemotedAt() => _demotedAt = view.Current.Nodes.TryGetValue(options.Me, out var me) && me.Spec.Role != Model.NodeRole.Manager
        ? _demotedAt ?? board.Now
        : null;

    private static string Describe(LeaderRecord seen) => seen switch
    {
        { Epoch: 0 } => "nobody ever led",
        { Holder: null } => $"epoch {seen.Epoch} was let go",
        _ => $"{seen.Holder} in epoch {seen.Epoch} fell silent",
    };

    private static TimeSpan Positive(TimeSpan span) => span > TimeSpan.FromMilliseconds(1) ? span : TimeSpan.FromMilliseconds(1);

    // At the first sign of the end, and not when it is this service's turn to stop: every millisecond is one without a leader.
    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _ = LeaveAsync());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        lifetime.StopApplication();
        return _left.Task.WaitAsync(cancellationToken);
    }

    // Every other service has started by now: the state is there, and the listeners are open.
    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _isReady = true;
        board.LookNow();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
