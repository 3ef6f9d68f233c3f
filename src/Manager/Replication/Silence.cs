using Grpc.Core;

namespace Berth.Manager.Replication;

/// <summary>Reads a stream whose other end must speak now and then.</summary>
internal sealed class Silence : IDisposable
{
    private readonly CancellationTokenSource _limit;
    private readonly CancellationTokenSource _either;
    private readonly CancellationToken _ending;
    private readonly string _who;

    /// <param name="who">Who must speak, for the error.</param>
    /// <param name="limit">Longest silence.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ending">Ends reading.</param>
    public Silence(string who, TimeSpan limit, TimeProvider time, CancellationToken ending)
    {
        _limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(ending, _limit.Token);
        (_who, Limit, _ending) = (who, limit, ending);
    }

    /// <summary>Longest silence from now on.</summary>
    public TimeSpan Limit { get; set; }

    /// <summary>The next message is <paramref name="stream"/>'s current one; false at its end.</summary>
    /// <exception cref="TimeoutException">Nothing came for too long.</exception>
    public async Task<bool> NextAsync<T>(IAsyncStreamReader<T> stream)
    {
        _limit.CancelAfter(Limit);
        try
        {
            return await stream.MoveNext(_either.Token);
        }
        catch (Exception) when (_limit.IsCancellationRequested && !_ending.IsCancellationRequested)
        {
            throw new TimeoutException($"{_who} said nothing for {Limit.TotalSeconds:0.#} s");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _either.Dispose();
        _limit.Dispose();
    }
}
