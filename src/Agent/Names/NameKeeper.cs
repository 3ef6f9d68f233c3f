using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Berth.Agent.Network;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Names;

/// <summary>Answers names on this host as soon as it is in a network.</summary>
/// <param name="plane">What is known of networks.</param>
/// <param name="address">Where names are asked for.</param>
/// <param name="directory">The agent's data directory.</param>
/// <param name="log">The agent's log.</param>
/// <param name="time">The agent's clock.</param>
public sealed class NameKeeper(IPlane plane, IPEndPoint address, string directory, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);
    private ImmutableArray<string> _warnings = [];

    /// <summary>What people should know.</summary>
    public ImmutableArray<string> Warnings => _warnings;

    /// <summary>Answers until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        for (var state = plane.State; state.Wanted.Self is null; state = plane.State)
            await plane.ChangedAsync(state, cancellation).ConfigureAwait(false);
        // Never closed: .NET would shut them down for the holder, too. They end with the process.
        var sockets = await OpenAsync(cancellation).ConfigureAwait(false);
        log.LogInformation("names are answered at {Address}{Whose}", address, sockets.AreTaken ? ", on the sockets of the agent before" : "");
        var resolver = new ResolverFile("/etc/resolv.conf", address.Address, time);
        var server = new NameServer(plane, new Upstream(() => resolver.Servers, time), Random.Shared, log, time);
        await Task.WhenAll(server.RunAsync(sockets.Datagrams, sockets.Listener, cancellation), sockets.HoldAsync(cancellation)).ConfigureAwait(false);
    }

    /// <summary>Nobody will answer on this host any more: nothing holds the sockets.</summary>
    public static void Release(string directory) => HeldSockets.Release(Path.GetFullPath(directory));

    private async Task<HeldSockets> OpenAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var sockets = HeldSockets.Open(address, Path.GetFullPath(directory), log, time);
                Warn([]);
                return sockets;
            }
            catch (SocketException taken)
            {
                Warn([$"names are not answered: {address} cannot be listened on: {taken.Message}; see who does with: ss -lnup 'sport = :{address.Port}'"]);
                await Task.Delay(Retry, time, cancellation).ConfigureAwait(false);
            }
        }
    }

    private void Warn(ImmutableArray<string> warnings)
    {
        if (warnings.SequenceEqual(_warnings))
            return;
        foreach (var warning in warnings)
            log.LogWarning("{Warning}", warning);
        ImmutableInterlocked.InterlockedExchange(ref _warnings, warnings);
    }
}
