using System.Diagnostics.Metrics;
using Berth.Manager.Store;
using Berth.Telemetry;

namespace Berth.Manager.Leadership;

/// <summary>What <see cref="LeadershipService"/> found out, for everybody else.</summary>
public sealed class LeadershipBoard(LeadershipTimes times, TimeProvider time) : ILeadership, ILease
{
    private static readonly Counter<double> Changes = BerthMeter.Counter("berth.leadership.changes", "Changes of who leads that this process saw.");

    private readonly long _origin = time.GetTimestamp();
    private readonly Lock _gate = new();
    private volatile Known _known = new(LeadershipState.Start, IsAlone: false);
    private volatile bool _isReady;
    private TaskCompletionSource _changed = New();
    private CancellationTokenSource _hint = new();

    /// <inheritdoc/>
    public LeaderRecord Current => _known.State.Seen ?? LeaderRecord.None;

    /// <inheritdoc/>
    public bool IsLeading => _known.State.IsLeading;

    // A leader whose store has not replayed the rows behind what it held as a standby does not know the newest state yet.
    /// <inheritdoc/>
    public bool HasValidLease => _isReady && IsLeaseValid;

    bool ILease.IsValid => IsLeaseValid;

    private bool IsLeaseValid => _known is var known && (known.IsAlone ? known.State.IsLeading : LeadershipDecider.HasLease(known.State, Now, times));

    /// <inheritdoc/>
    public Task Changed
    {
        get
        {
            lock (_gate)
                return _changed.Task;
        }
    }

    /// <summary>The monotonic clock, as <see cref="LeadershipState"/> counts it.</summary>
    internal TimeSpan Now => time.GetElapsedTime(_origin);

    internal LeadershipState State => _known.State;

    /// <summary>Ends a wait when a hint comes.</summary>
    internal CancellationToken Hint
    {
        get
        {
            lock (_gate)
                return _hint.Token;
        }
    }

    /// <inheritdoc/>
    public void LookNow()
    {
        CancellationTokenSource hint;
        lock (_gate)
        {
            if (_known.State.IsLeading)
                return;
            _known = _known with { State = _known.State with { MustLook = true } };
            (hint, _hint) = (_hint, new CancellationTokenSource());
        }
        // Nobody holds the old one for longer than the wait that this ends.
        hint.Cancel();
    }

    /// <summary>The store has published its first state of the term.</summary>
    public void StoreIsReady() => _isReady = true;

    /// <summary>Changes what is known.</summary>
    /// <param name="change">From what is known now; runs alone.</param>
    internal void Become(Func<LeadershipState, LeadershipState> change) => Become(change, _known.IsAlone);

    /// <summary>This process leads for as long as it lives: nobody else can reach its store.</summary>
    internal void BecomeAlone(LeaderRecord record) => Become(state => LeadershipDecider.OnTaken(state, record, Now), isAlone: true);

    /// <summary>This process leads in another store, in which others may take the lead from it.</summary>
    internal void BecomeShared(LeaderRecord record, TimeSpan begunAt) =>
        Become(state => LeadershipDecider.OnTaken(state, record, begunAt), isAlone: false);

    private void Become(Func<LeadershipState, LeadershipState> change, bool isAlone)
    {
        TaskCompletionSource? changed = null;
        lock (_gate)
        {
            var before = _known.State;
            var after = change(before);
            _known = new Known(after, isAlone);
            if (IsNews(before, after))
                (changed, _changed) = (_changed, New());
        }
        if (changed is null)
            return;
        Changes.Add(1);
        changed.SetResult();
    }

    private static bool IsNews(LeadershipState before, LeadershipState after) =>
        before.IsLeading != after.IsLeading || Told(before.Seen) != Told(after.Seen);

    private static LeaderRecord? Told(LeaderRecord? record) => record is null ? null : record with { Renewals = 0 };

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Known(LeadershipState State, bool IsAlone);
}
