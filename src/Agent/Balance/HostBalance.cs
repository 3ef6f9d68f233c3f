using System.Net.Sockets;
using Berth.Agent.Network;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Balance;

/// <summary>The rules of this host for the agent's whole life: begins when the host gets a part in networks, and begins again after what the kernel refused.</summary>
public sealed class HostBalance(IPlane plane, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);
    private BalanceKeeper? _keeper;
    private string? _trouble;

    /// <summary>What people should know of this host's rules, one sentence each.</summary>
    public IEnumerable<string> Warnings => _trouble is { } trouble ? [trouble] : _keeper?.Warnings ?? [];

    /// <summary>Keeps the rules until it is cancelled; they stay.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        for (var state = plane.State; state.Wanted.Self is null; state = plane.State)
            await plane.ChangedAsync(state, cancellation).ConfigureAwait(false);
        while (true)
        {
            try
            {
                using var keeper = BalanceKeeper.Open(plane, log, time);
                (_keeper, _trouble) = (keeper, null);
                await keeper.RunAsync(cancellation).ConfigureAwait(false);
            }
            catch (Exception refused) when (refused is IOException or SocketException)
            {
                _trouble = $"services are not reachable by their addresses and ports: {refused.Message}";
                log.LogWarning("{Trouble}; trying again", _trouble);
            }
            await Task.Delay(Retry, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The node left its cluster: the host has no rules of ours any more.</summary>
    public async Task ClearAsync()
    {
        if (_keeper is null)
            return;
        var removed = await new HostTools().RunAsync("nft", ["-f", "-"], Ruleset.Nothing($"ip {new BalanceSettings().Table}"), CancellationToken.None).ConfigureAwait(false);
        if (!removed.IsDone)
            log.LogWarning("the network rules of this host could not be removed: {Reason}; remove them with: nft delete table ip berth", removed.Errors);
    }
}
