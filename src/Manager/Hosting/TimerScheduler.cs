using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Berth.Manager.Hosting;

/// <summary>Akka's scheduler on the runtime's own timers: nothing wakes while nothing is due.</summary>
/// <remarks>Akka's default turns a wheel every 10 ms for ever, which costs an idle manager about 4 % of a core; see
/// docs/decisions/0009-no-ticking-scheduler.md.</remarks>
public sealed class TimerScheduler(Config config, ILoggingAdapter log) : SchedulerBase(config, log), IDisposable
{
    // Timers that nobody holds are collected and never fire.
    private readonly ConcurrentDictionary<Entry, byte> _entries = new();
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private volatile bool _isDisposed;

    /// <inheritdoc/>
    public override TimeSpan MonotonicClock => _time.GetElapsedTime(_started);

    /// <inheritdoc/>
    public override TimeSpan HighResMonotonicClock => MonotonicClock;

    /// <inheritdoc/>
    protected override DateTimeOffset TimeNow => _time.GetUtcNow();

    /// <summary>Drops whatever is still to come; Akka calls it when the system ends.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        foreach (var entry in _entries.Keys)
            entry.Dispose();
    }

    /// <inheritdoc/>
    protected override void InternalScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Schedule(delay, null, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Schedule(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Schedule(delay, null, action, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        Schedule(delay, null, action.Run, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Schedule(initialDelay, interval, action, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Schedule(initialDelay, interval, action.Run, cancelable);

    private void Schedule(TimeSpan delay, TimeSpan? interval, Action action, ICancelable? cancelable)
    {
        if (_isDisposed || cancelable is { IsCancellationRequested: true })
            return;
        var entry = new Entry(this, action, isRepeated: interval is not null);
        _entries.TryAdd(entry, 0);
        entry.Start(delay, interval, cancelable);
        if (_isDisposed)
            entry.Dispose();
    }

    private sealed class Entry(TimerScheduler owner, Action action, bool isRepeated) : IDisposable
    {
        private ITimer? _timer;
        private CancellationTokenRegistration _cancellation;
        private int _isOver;

        public void Start(TimeSpan delay, TimeSpan? interval, ICancelable? cancelable)
        {
            _timer = owner._time.CreateTimer(_ => Run(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (cancelable is not null)
                _cancellation = cancelable.Token.UnsafeRegister(static entry => ((Entry)entry!).Dispose(), this);
            if (Volatile.Read(ref _isOver) == 0)
                _timer.Change(delay < TimeSpan.Zero ? TimeSpan.Zero : delay, interval ?? Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 1)
                return;
            owner._entries.TryRemove(this, out _);
            _cancellation.Unregister();
            _timer?.Dispose();
        }

        private void Run()
        {
            if (Volatile.Read(ref _isOver) == 1)
                return;
            if (!isRepeated)
                Dispose();
            try
            {
                action();
            }
            catch (Exception error)
            {
                // As Akka's own scheduler does: a failed action is logged, and does not end the others.
                owner.Log.Error(error, "a scheduled action failed");
            }
        }
    }
}
