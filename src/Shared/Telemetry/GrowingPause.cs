namespace Berth.Telemetry;

/// <summary>Says when something that fails again and again is worth another line of the log: at once, then after a minute, two, four and so on.
/// Safe to be asked by several threads.</summary>
/// <param name="time">For intervals.</param>
/// <param name="longest">The longest pause; an hour unless told otherwise.</param>
public sealed class GrowingPause(TimeProvider time, TimeSpan? longest = null)
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(1);

    private readonly TimeSpan _longest = longest ?? TimeSpan.FromHours(1);
    private readonly Lock _gate = new();
    private string? _problem;
    private long _saidAt;
    private TimeSpan _pause;
    private int _unsaid;

    /// <summary>It failed. Another problem than before is said at once.</summary>
    /// <param name="problem">Why.</param>
    /// <param name="unsaid">How often it failed since it was said last.</param>
    /// <returns>Whether it is to be said now.</returns>
    public bool IsDue(string problem, out int unsaid)
    {
        lock (_gate)
        {
            var isSame = problem == _problem;
            unsaid = isSame ? _unsaid : 0;
            if (isSame && time.GetElapsedTime(_saidAt) < _pause)
            {
                _unsaid++;
                return false;
            }
            _pause = !isSame ? First : _pause * 2 < _longest ? _pause * 2 : _longest;
            (_problem, _saidAt, _unsaid) = (problem, time.GetTimestamp(), 0);
            return true;
        }
    }

    /// <summary>It no longer fails: the next problem is said at once.</summary>
    public void Over()
    {
        lock (_gate)
            _problem = null;
    }
}
