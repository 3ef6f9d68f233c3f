using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Balance;

/// <summary>Which containers may answer, and which have just ceased to.</summary>
/// <param name="Pool">Where their addresses are from.</param>
/// <param name="Alive">Addresses of those that may answer.</param>
/// <param name="Gone">Those that have just gone; null is whoever is not alive.</param>
internal sealed record Departure(IPNetwork Pool, ImmutableHashSet<IPAddress> Alive, IReadOnlyCollection<IPAddress>? Gone);

/// <summary>Ends connections to containers that are gone, until the kernel has none left: those being set up while it looks are seen the next time.</summary>
internal sealed class ConnectionCutter(ConnectionTable table, Socket nudges, ILogger log, TimeProvider time) : IDisposable
{
    // More addresses than this are looked for in one list of everything.
    private const int MostFiltered = 4;
    private const int MostRounds = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Channel<Departure> _departures = Channel.CreateUnbounded<Departure>();
    private ImmutableHashSet<IPAddress> _alive = [];

    /// <summary>Has them cut.</summary>
    public void Post(Departure departure)
    {
        Volatile.Write(ref _alive, departure.Alive);
        _departures.Writer.TryWrite(departure);
    }

    /// <summary>Cuts until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var departure in _departures.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            try
            {
                await CutAsync(departure, cancellation).ConfigureAwait(false);
            }
            catch (IOException refused)
            {
                log.LogWarning("connections to containers that are gone could not be ended, their clients wait until they give up: {Reason}", refused.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        table.Dispose();
        nudges.Dispose();
    }

    private async Task CutAsync(Departure departure, CancellationToken cancellation)
    {
        var cut = 0;
        for (var round = 0; round < MostRounds; round++)
        {
            // An address that came back meanwhile is not gone.
            var dead = DeadConnections.Of(Listed(departure.Gone), departure.Pool, Volatile.Read(ref _alive)).ToList();
            foreach (var connection in dead)
            {
                table.Delete(connection);
                if (connection.Protocol == Connection.Tcp)
                    Nudge.Send(nudges, connection);
            }
            cut += dead.Count;
            if (dead.Count == 0 && round > 0)
                break;
            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
        }
        if (cut == 0)
            return;
        BalanceMetrics.Cut(cut);
        log.LogInformation("{Connections} connections to containers that are gone were ended", cut);
    }

    private IEnumerable<Connection> Listed(IReadOnlyCollection<IPAddress>? gone) =>
        gone is { Count: <= MostFiltered } ? gone.SelectMany(address => table.List(address)) : table.List();
}
