namespace Berth.Cli.Client;

/// <summary>Asks one candidate after the other, the next as soon as one fails or lets itself be waited for; the first answer wins.</summary>
internal static class Race
{
    /// <summary>Runs the race.</summary>
    /// <param name="candidates">In the order they are tried; one at least.</param>
    /// <param name="patience">How long one alone is waited for before the next is asked as well.</param>
    /// <param name="ask">Asks a candidate; its token is cancelled once another has answered.</param>
    /// <param name="goOn">Whether a failure leaves hope for others; any other failure is the race's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Ends the race.</param>
    /// <returns>The answer, and who gave it.</returns>
    /// <exception cref="RaceLostException{TCandidate}">Everybody failed.</exception>
    public static async Task<(TCandidate By, TAnswer Answer)> Run<TCandidate, TAnswer>(
        IReadOnlyList<TCandidate> candidates, TimeSpan patience, Func<TCandidate, CancellationToken, Task<TAnswer>> ask,
        Func<Exception, bool> goOn, TimeProvider time, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = new Dictionary<Task<TAnswer>, TCandidate>();
        var failures = new List<(TCandidate, Exception)>();
        var next = 0;
        try
        {
            while (true)
            {
                if (next < candidates.Count)
                    running.Add(ask(candidates[next], over.Token), candidates[next++]);
                if (running.Count == 0)
                    throw new RaceLostException<TCandidate>(failures);
                var done = await FirstAsync(running.Keys, next < candidates.Count ? patience : Timeout.InfiniteTimeSpan, time, over.Token);
                if (done is null)
                    continue;
                var by = running[done];
                running.Remove(done);
                try
                {
                    return (by, await done);
                }
                catch (Exception failure) when (!cancel.IsCancellationRequested && goOn(failure))
                {
                    failures.Add((by, failure));
                }
            }
        }
        finally
        {
            await over.CancelAsync();
            foreach (var left in running.Keys)
                _ = left.ContinueWith(late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }

    // Null when none is done within the patience.
    private static async Task<Task<T>?> FirstAsync<T>(IEnumerable<Task<T>> running, TimeSpan patience, TimeProvider time, CancellationToken cancel)
    {
        var first = Task.WhenAny(running);
        if (patience == Timeout.InfiniteTimeSpan)
            return await first;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var delay = Task.Delay(patience, time, enough.Token);
        var isDone = await Task.WhenAny(first, delay) == first;
        await enough.CancelAsync();
        return isDone ? await first : null;
    }
}

/// <summary>No candidate answered.</summary>
/// <param name="failures">Why each did not, in the order they failed.</param>
internal sealed class RaceLostException<TCandidate>(IReadOnlyList<(TCandidate By, Exception Failure)> failures) : Exception("nobody answered")
{
    /// <summary>Why each did not.</summary>
    public IReadOnlyList<(TCandidate By, Exception Failure)> Failures { get; } = failures;
}
