using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Berth.Manager.Hosting;

namespace Berth.Tests.Manager.Hosting;

public sealed class TimerSchedulerTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TimerScheduler _scheduler = new(Config.Empty, NoLogger.Instance);
    private readonly SemaphoreSlim _ran = new(0);

    private IActionScheduler Actions => _scheduler;

    public void Dispose()
    {
        _scheduler.Dispose();
        _ran.Dispose();
    }

    [Fact]
    public async Task What_is_scheduled_once_runs_once()
    {
        Actions.ScheduleOnce(Soon, () => _ran.Release());

        Assert.True(await _ran.WaitAsync(Patience));
        Assert.False(await _ran.WaitAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task What_is_scheduled_repeatedly_runs_on_also_after_it_failed()
    {
        var runs = 0;
        Actions.ScheduleRepeatedly(Soon, Soon, () =>
        {
            _ran.Release();
            if (Interlocked.Increment(ref runs) == 1)
                throw new InvalidOperationException("the first run fails");
        });

        for (var run = 0; run < 3; run++)
            Assert.True(await _ran.WaitAsync(Patience));
    }

    [Fact]
    public async Task What_is_cancelled_before_it_is_due_never_runs()
    {
        using var cancelled = new Cancelable(Actions);
        Actions.ScheduleOnce(TimeSpan.FromMilliseconds(200), () => _ran.Release(), cancelled);

        cancelled.Cancel();

        Assert.False(await _ran.WaitAsync(TimeSpan.FromMilliseconds(400)));
    }

    [Fact]
    public async Task Nothing_runs_after_the_end()
    {
        Actions.ScheduleRepeatedly(TimeSpan.FromMilliseconds(200), Soon, () => _ran.Release());

        _scheduler.Dispose();
        Actions.ScheduleOnce(Soon, () => _ran.Release());

        Assert.False(await _ran.WaitAsync(TimeSpan.FromMilliseconds(400)));
    }
}
