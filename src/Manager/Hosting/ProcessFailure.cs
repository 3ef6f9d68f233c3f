using Berth.Manager.Store;

namespace Berth.Manager.Hosting;

/// <summary>Ends the process at once, with its reason on stderr.</summary>
/// <param name="beforeRestart">Done before the process ends to be started again at once.</param>
/// <param name="log">Where it says why.</param>
internal sealed class ProcessFailure(Action beforeRestart, EarlyLog log) : IStoreFailure
{
    /// <summary>EX_TEMPFAIL: nothing is broken, another manager leads; the supervisor starts a standby in this one's place.</summary>
    public const int LostLead = 75;

    private int _isStopping;

    /// <inheritdoc/>
    public void Stop(string message, Exception? cause) => Stop(log.Error, message, cause, 1);

    /// <inheritdoc/>
    public void LoseLead(string message) => Stop(log.Warning, $"this manager no longer leads: {message}. It ends, to be started again as a standby", null, LostLead);

    private void Stop(Action<string> say, string message, Exception? cause, int code)
    {
        if (Interlocked.Exchange(ref _isStopping, 1) == 1)
            return;
        say(cause is null ? message : $"{message}\n  caused by: {cause.GetType().Name}: {cause.Message}");
        // Not on the caller's thread: it may be an actor's, and leaving must not wait for it.
        new Thread(() => End(code)) { IsBackground = true }.Start();
    }

    private void End(int code)
    {
        try
        {
            if (code == LostLead)
                beforeRestart();
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            log.Warning($"the keys could not be left for the next start, which waits for berth cluster unlock: {error.Message}");
        }
        finally
        {
            Environment.Exit(code);
        }
    }
}
