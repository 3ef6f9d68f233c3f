using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Manager.Access;

/// <summary>Lets only so many TLS handshakes go on at once; who comes meanwhile waits in order.</summary>
/// <remarks>When thousands of agents come at the same time all of their handshakes would go on together, each slower than its agent waits:
/// the processor would be spent on connections that nobody wants any more, and calls that are open would wait behind them. Here whoever
/// gave up is passed over before anything was spent on it. Who is slow to answer keeps nobody waiting for longer than
/// <see cref="PlaceTime"/>.</remarks>
/// <param name="places">Handshakes at once.</param>
/// <param name="time">The clock.</param>
internal sealed class HandshakeQueue(int places, TimeProvider time) : IDisposable
{
    /// <summary>A handshake that has not ended after this goes on without a place: its peer is slow or far, and costs nothing meanwhile.</summary>
    public static readonly TimeSpan PlaceTime = TimeSpan.FromMilliseconds(50);

    private const int PlacesOfAProcessor = 32;
    private static readonly object PlaceKey = new();

    private readonly SemaphoreSlim _free = new(places);

    /// <summary>A queue for this machine.</summary>
    public static HandshakeQueue OfThisMachine(TimeProvider time) => new(Environment.ProcessorCount * PlacesOfAProcessor, time);

    /// <summary>Waits for a place; null when the peer gave up first.</summary>
    /// <param name="gone">Ends when it hangs up.</param>
    public async Task<IDisposable?> EnterAsync(CancellationToken gone)
    {
        try
        {
            await _free.WaitAsync(gone);
            return new Place(_free, time);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Before TLS.</summary>
    public void Before(ListenOptions endpoint) => endpoint.Use(next => async connection =>
    {
        using var place = await EnterAsync(connection.ConnectionClosed);
        if (place is null)
            return;
        connection.Items[PlaceKey] = place;
        await next(connection);
    });

    /// <summary>After TLS: the next one's turn.</summary>
    public static void After(ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        if (connection.Items.Remove(PlaceKey, out var place))
            ((IDisposable)place!).Dispose();
        return next(connection);
    });

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();

    private sealed class Place : IDisposable
    {
        private readonly ITimer _timer;
        private SemaphoreSlim? _free;

        public Place(SemaphoreSlim free, TimeProvider time)
        {
            _free = free;
            _timer = time.CreateTimer(static place => ((Place)place!).Leave(), this, PlaceTime, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            _timer.Dispose();
            Leave();
        }

        private void Leave() => Interlocked.Exchange(ref _free, null)?.Release();
    }
}
