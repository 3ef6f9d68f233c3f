using Berth.Manager.Store;

namespace Berth.Manager.Hosting;

/// <summary>Ends the process at once, with its reason on stderr.</summary>
internal sealed class ProcessFailure : IStoreFailure
{
    private int _isStopping;

    /// <inheritdoc/>
    public void Stop(string message, Exception? cause)
    {
        if (Interlocked.Exchange(ref _isStopping, 1) == 1)
            return;
        Console.Error.WriteLine($"error: {message}");
        if (cause is not null)
            Console.Error.WriteLine($"  caused by: {cause.GetType().Name}: {cause.Message}");
        // Not on the caller's thread: it may be an actor's, and leaving must not wait for it.
        new Thread(() => Environment.Exit(1)) { IsBackground = true }.Start();
    }
}
