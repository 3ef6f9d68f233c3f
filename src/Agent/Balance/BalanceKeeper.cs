using System.Collections.Immutable;
using System.Net;
using Berth.Agent.Network;
using Berth.Agent.Network.Kernel;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Balance;

/// <summary>Keeps the host's rules as they have to be: follows each change, and puts back what somebody removed.</summary>
/// <remarks>When the agent ends the rules stay: connections and new ones go on as they were.</remarks>
public sealed class BalanceKeeper : IDisposable
{
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LossIsNews = TimeSpan.FromMinutes(10);

    private readonly IPlane _plane;
    private readonly BalanceSettings _settings;
    private readonly HostTools _tools;
    private readonly NfTables _tables;
    private readonly ConnectionCutter _cutter;
    private readonly ILogger _log;
    private readonly TimeProvider _time;

    private Ruleset? _applied;
    private ImmutableHashSet<IPAddress>? _alive;
    private uint _generation;
    private long? _looked;
    private string? _trouble;
    private (string What, long At)? _loss;
    private ImmutableArray<string> _warnings = [];
    private PlaneState? _followed;

    internal BalanceKeeper(IPlane plane, BalanceSettings settings, HostTools tools, NfTables tables, ConnectionCutter cutter, ILogger log, TimeProvider time)
        => (_plane, _settings, _tools, _tables, _cutter, _log, _time) = (plane, settings, tools, tables, cutter, log, time);

    /// <summary>One for this process's network namespace.</summary>
    /// <exception cref="IOException">The kernel has no packet filter.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The process may not send packets of its own making.</exception>
    public static BalanceKeeper Open(IPlane plane, ILogger log, TimeProvider time)
    {
        var tools = new HostTools();
        return new BalanceKeeper(plane, new BalanceSettings(), tools, new NfTables(NetlinkSocket.Open(Netfilter.Protocol), tools),
            new ConnectionCutter(new ConnectionTable(NetlinkSocket.Open(Netfilter.Protocol)), Nudge.Open(), log, time), log, time);
    }

    /// <summary>What people should know of this host's rules.</summary>
    public ImmutableArray<string> Warnings => _warnings;

    /// <summary>The newest state whose rules the kernel has; null before the first.</summary>
    internal PlaneState? Followed => Volatile.Read(ref _followed);

    /// <summary>Keeps the rules until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var cutting = _cutter.RunAsync(ending.Token);
        try
        {
            await KeepAsync(ending.Token).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await cutting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tables.Dispose();
        _cutter.Dispose();
    }

    private async Task KeepAsync(CancellationToken cancellation)
    {
        PlaneState? seen = null;
        while (true)
        {
            var state = _plane.State;
            if (!ReferenceEquals(state, seen) || _trouble is not null)
                await FollowAsync(state, cancellation).ConfigureAwait(false);
            seen = state;
            if (_trouble is null)
                Volatile.Write(ref _followed, state);
            if (_applied is { } applied)
                await LookAsync(applied, cancellation).ConfigureAwait(false);
            ShowWarnings();
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var changed = _plane.ChangedAsync(state, waiting.Token);
            await Task.WhenAny(changed, Task.Delay(Glance, _time, waiting.Token)).ConfigureAwait(false);
            var isChanged = changed.IsCompletedSuccessfully;
            await waiting.CancelAsync().ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            if (isChanged)
                await Task.Delay(Gathering, _time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(PlaneState state, CancellationToken cancellation)
    {
        if (RulesetSource.From(state, _settings) is not { } wanted)
        {
            if (_applied is { } left && await ApplyAsync(Ruleset.Nothing(left.Table), cancellation).ConfigureAwait(false) is null)
                (_applied, _alive) = (null, null);
            return;
        }
        var script = _applied is null ? wanted.Everything() : Ruleset.Difference(_applied, wanted);
        if (script.Length > 0)
        {
            var refused = await ApplyAsync(script, cancellation).ConfigureAwait(false);
            if (refused is not null && _applied is not null)
            {
                // What the difference was made from may be gone.
                _log.LogInformation("{Reason}; making all rules anew", refused);
                refused = await ApplyAsync(wanted.Everything(), cancellation).ConfigureAwait(false);
            }
            if (refused is not null)
            {
                Trouble(refused);
                _applied = null;
                return;
            }
        }
        Trouble(null);
        _applied = wanted;
        Depart(state);
    }

    // New connections are led elsewhere by now; the old ones of who is gone are ended.
    private void Depart(PlaneState state)
    {
        var alive = RulesetSource.Alive(state);
        var gone = _alive?.Except(alive);
        if (gone is null or { Count: > 0 })
            _cutter.Post(new Departure(state.Wanted.Pool, alive, gone));
        _alive = alive;
    }

    // Cheap: unless something changed a table, only a number is asked for.
    private async Task LookAsync(Ruleset applied, CancellationToken cancellation)
    {
        var generation = _tables.Generation();
        var now = _time.GetTimestamp();
        var isFirst = _looked is null;
        if (!isFirst && generation == _generation && _time.GetElapsedTime(_looked!.Value, now) < Look)
            return;
        (_generation, _looked) = (generation, now);
        var lost = await FirewallAsync(cancellation).ConfigureAwait(false);
        var missing = applied.Counts().Lost(_tables.Count(_settings.Table, applied.Sets.Select(set => set.Name)));
        if (missing.Length > 0)
        {
            var refused = await ApplyAsync(applied.Everything(), cancellation).ConfigureAwait(false);
            Trouble(refused);
            if (refused is not null)
                _applied = null;
            lost = [.. lost, .. missing];
        }
        if (lost.Length > 0 && !isFirst)
            Lost(lost);
    }

    private async Task<ImmutableArray<string>> FirewallAsync(CancellationToken cancellation)
    {
        var rules = await _tools.RunAsync("iptables", ["-w", "5", "-S"], "", cancellation).ConfigureAwait(false);
        // A host without iptables has no such rules that could stand in the way.
        if (!rules.IsDone)
            return [];
        var missing = Firewall.Missing(rules.Output, _settings);
        foreach (var chain in missing)
        {
            var inserted = await _tools.RunAsync("iptables", Firewall.Insertion(chain, _settings), "", cancellation).ConfigureAwait(false);
            if (!inserted.IsDone)
                _log.LogWarning("the rule that lets Berth's packets pass could not be put into {Chain}: {Reason}", chain, inserted.Errors);
        }
        return [.. missing.Select(chain => $"the rule in {chain}")];
    }

    private async Task<string?> ApplyAsync(string script, CancellationToken cancellation)
    {
        var begun = _time.GetTimestamp();
        var refused = await _tables.ApplyAsync(script, cancellation).ConfigureAwait(false);
        BalanceMetrics.Applied(_time.GetElapsedTime(begun), refused is not null);
        return refused;
    }

    private void Lost(ImmutableArray<string> lost)
    {
        const int named = 3;
        var what = string.Join(", ", lost.Take(named)) + (lost.Length > named ? $" and {lost.Length - named} more" : "");
        _log.LogWarning("network rules were removed by something on this host and are put back: {Lost}", what);
        _loss = ($"network rules were removed at {_time.GetUtcNow():u} and put back: {what}; something on this host flushes its firewall", _time.GetTimestamp());
        BalanceMetrics.Healed();
    }

    private void Trouble(string? trouble)
    {
        if (trouble is not null && trouble != _trouble)
            _log.LogWarning("{Trouble}", trouble);
        _trouble = trouble;
    }

    private void ShowWarnings()
    {
        if (_loss is { } loss && _time.GetElapsedTime(loss.At) > LossIsNews)
            _loss = null;
        ImmutableArray<string> now =
        [
            .. _trouble is { } trouble ? [$"services are not reachable by their addresses and ports: {trouble}"] : (string[])[],
            .. _loss is { } lost ? [lost.What] : (string[])[],
        ];
        ImmutableInterlocked.InterlockedExchange(ref _warnings, now);
    }
}
