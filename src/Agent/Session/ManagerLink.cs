using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Security.Authentication;
using Berth.Agent.Tasks;
using Berth.Telemetry;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Session;

/// <summary>Keeps a session with one of the managers, dialling again when it breaks. Tasks go on meanwhile.</summary>
/// <remarks>Whom it dials when is decided by <see cref="DialPlan"/>, how long a manager may be silent by <see cref="Silence"/>.</remarks>
/// <param name="parts">What sessions work with.</param>
/// <param name="seeds">Managers to dial when nobody told of others.</param>
/// <param name="chance">For pauses.</param>
public sealed class ManagerLink(SessionParts parts, SeedWatch seeds, Random chance)
{
    /// <summary>Without a session for so long, what ends is restarted here.</summary>
    public static readonly TimeSpan AwayAfter = TimeSpan.FromSeconds(5);

    // A session that ends sooner was none: dialling again at once would only turn in circles.
    private static readonly TimeSpan ShortestSession = TimeSpan.FromSeconds(2);

    // Managers wish agents elsewhere now and then; an agent that is sent back and forth stays where it is.
    private static readonly TimeSpan BetweenMoves = TimeSpan.FromSeconds(10);

    private static readonly Counter<double> Begun = BerthMeter.Counter("berth.sessions", "Sessions with managers that began: all but the first are reconnections.");

    private ManagerConnection? _connection;
    private Silence _silence = new();
    private long _awaySince;
    private long? _movedAt;
    private int _failures;
    private bool _isRefused;

    /// <summary>Whether a manager has this agent.</summary>
    public bool IsConnected => Volatile.Read(ref _awaySince) == long.MaxValue;

    /// <summary>Runs until the agent stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        _awaySince = parts.Time.GetTimestamp();
        var away = SayAwayAsync(stopping);
        try
        {
            await WaitForEngineAsync(stopping).ConfigureAwait(false);
            if (await WaitForManagersAsync(stopping).ConfigureAwait(false))
                await DialAsync(stopping).ConfigureAwait(false);
        }
        finally
        {
            _connection?.Dispose();
            await away.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task DialAsync(CancellationToken stopping)
    {
        var plan = Plan(null);
        var (result, target) = (DialResult.Started, (string?)null);
        while (!stopping.IsCancellationRequested)
        {
            (plan, var dial) = Plan(plan).Next(result, chance.NextDouble(), target);
            await Task.Delay(dial.Wait, parts.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
                return;
            if (parts.Membership.IsExpired && dial.Manager.Url.Scheme == "https")
            {
                // Managers would turn it away; the membership asks for a new one meanwhile.
                await Task.Delay(TimeSpan.FromSeconds(1), parts.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }
            (plan, result, target) = await TryAsync(plan, dial, isHeld: result == DialResult.NotNow, stopping).ConfigureAwait(false);
        }
    }

    private DialPlan Plan(DialPlan? before)
    {
        // Without an identity nothing but a local socket can be spoken to, whatever managers told of.
        var told = parts.Membership.Identity is null ? [] : parts.State.Told;
        return before is null
            ? DialPlan.Of(parts.State.Node, told, seeds.Current, parts.State.RejoinWindow)
            : before.With(parts.State.Node, told, seeds.Current, parts.State.RejoinWindow);
    }

    private async Task<(DialPlan Plan, DialResult Result, string? Target)> TryAsync(DialPlan plan, Dial dial, bool isHeld, CancellationToken stopping)
    {
        long? began = null;
        try
        {
            await ConnectAsync(dial, isHeld, stopping).ConfigureAwait(false);
            plan = plan.Reached(_connection!.Manager);
            await new ManagerSession(parts, _connection.Channel, _silence.Allowed(parts.State.RejoinWindow)).RunAsync(() =>
            {
                began = parts.Time.GetTimestamp();
                Begin();
            }, stopping).ConfigureAwait(false);
            return (plan, DialResult.Broke, null);
        }
        catch (RefusedException refused)
        {
            return (plan, OnRefused(refused.Message), null);
        }
        catch (RpcException refused) when (refused.StatusCode is StatusCode.PermissionDenied or StatusCode.Unauthenticated)
        {
            return (plan, OnRefused(refused.Status.Detail), null);
        }
        catch (MovedException moved)
        {
            var isTooSoon = _movedAt is { } last && parts.Time.GetElapsedTime(last) < BetweenMoves;
            _movedAt = parts.Time.GetTimestamp();
            parts.Log.LogInformation("manager {Manager} asks for a move: {Moved}", dial.Manager.Url, moved.Message);
            return isTooSoon ? (plan, DialResult.NotNow, null) : (plan, DialResult.Moved, moved.Target);
        }
        catch (Exception broken) when (!stopping.IsCancellationRequested && IsPassing(broken))
        {
            return (plan, OnBroken(plan, broken, began), null);
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            return (plan, DialResult.Broke, null);
        }
        finally
        {
            if (began is not null)
                End();
            else
                SayAwayIfLong();
        }
    }

    // A manager that said "not now" is asked again on the connection there is.
    private async Task ConnectAsync(Dial dial, bool isHeld, CancellationToken stopping)
    {
        if (isHeld && _connection?.Manager == dial.Manager)
            return;
        _connection?.Dispose();
        _connection = null;
        _connection = await new ManagerDialer(parts.Membership.Identity, parts.Time).ConnectAsync(dial, stopping).ConfigureAwait(false);
    }

    private void Begin()
    {
        Volatile.Write(ref _awaySince, long.MaxValue);
        (_failures, _isRefused) = (0, false);
        Begun.Add(1);
        parts.Keeper.Post(new KeeperInput.SessionBegan());
        parts.Membership.Uses(_connection!.Manager.Url);
        parts.Log.LogInformation("registered with manager {Manager} as node {Node}", _connection.Manager.Url, parts.State.Node);
    }

    private void End()
    {
        var now = parts.Time.GetTimestamp();
        Volatile.Write(ref _awaySince, now);
        // What was said while the manager was dying may have been heard by nobody.
        var doubt = _silence.Allowed(parts.State.RejoinWindow) + TimeSpan.FromSeconds(1);
        parts.Keeper.Post(new KeeperInput.SessionEnded(now - (long)(doubt.TotalSeconds * parts.Time.TimestampFrequency)));
        parts.Membership.Uses(null);
    }

    private DialResult OnRefused(string reason)
    {
        _isRefused = true;
        parts.Membership.Refused(reason);
        parts.Log.LogError("manager {Manager} refused this node: {Reason}; containers stay as they are, dialling again in {Seconds} s",
            _connection?.Manager.Url, reason, DialPlan.AfterRefusal.TotalSeconds);
        return DialResult.Refused;
    }

    private DialResult OnBroken(DialPlan plan, Exception broken, long? began)
    {
        var lasted = began is { } at ? parts.Time.GetElapsedTime(at) : TimeSpan.Zero;
        _silence = _silence.After(lasted, broken is SilentException);
        _failures++;
        // Managers that are away for long are said once, not twice a second.
        var level = _failures == 1 || _failures % 60 == 0 ? LogLevel.Warning : LogLevel.Debug;
        parts.Log.Log(level, "no session with manager {Manager}: {Reason}; tasks go on, dialling again", plan.Current.Url, Reason(broken));
        if (began is not null)
            return lasted >= ShortestSession ? DialResult.Broke : DialResult.Unreachable;
        // Somebody is there and says so himself; a broken connection comes with an exception of this side.
        return broken is RpcException { Status.DebugException: null, StatusCode: StatusCode.Unavailable or StatusCode.FailedPrecondition or StatusCode.DeadlineExceeded }
            ? DialResult.NotNow
            : DialResult.Unreachable;
    }

    private async Task SayAwayAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(AwayAfter / 5, parts.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                if (_connection is null)
                    SayAwayIfLong();
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private void SayAwayIfLong()
    {
        var since = Volatile.Read(ref _awaySince);
        // Who was put out of the cluster has nothing to keep going for it.
        if (!_isRefused && since != long.MaxValue && parts.Time.GetElapsedTime(since) >= AwayAfter && parts.State.Cluster is not null)
            parts.Keeper.Post(new KeeperInput.ManagersAway());
    }

    // A node that never was in a cluster does not offer itself before its engine answered once; one that was comes back at
    // once, for its containers may run well without the engine.
    private async Task WaitForEngineAsync(CancellationToken stopping)
    {
        while (parts.State.Cluster is null && parts.Health.Facts is null)
        {
            var changed = parts.Health.NextChangeAsync(stopping);
            if (parts.Health.Facts is null)
                await changed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
                return;
        }
    }

    private async Task<bool> WaitForManagersAsync(CancellationToken stopping)
    {
        if (parts.Membership.Identity is null && !seeds.Current.Any(seed => seed.Url.Scheme != "https"))
        {
            parts.Log.LogInformation("this host is in no cluster: waiting for berth cluster join");
            await parts.Membership.Joined.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (seeds.IsWatching && !stopping.IsCancellationRequested)
        {
            var changed = seeds.NextChange;
            if (!Plan(null).Order.IsEmpty)
                break;
            await changed.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (!stopping.IsCancellationRequested && Plan(null).Order.IsEmpty)
        {
            // Its state was lost and its certificate was not.
            parts.Membership.Lacks("it knows no manager: start it once with --manager https://ADDRESS:2400");
            await Task.Delay(Timeout.InfiniteTimeSpan, parts.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return !stopping.IsCancellationRequested;
    }

    private static bool IsPassing(Exception error) =>
        error is RpcException or ProtocolException or SilentException or TimeoutException or OperationCanceledException or IOException
            or HttpRequestException or SocketException or AuthenticationException or FormatException or InvalidOperationException;

    private static string Reason(Exception error) =>
        error is RpcException rpc
            ? rpc.Status.DebugException?.InnerException is { } cause ? $"{rpc.StatusCode}: {cause.Message}" : $"{rpc.StatusCode}: {rpc.Status.Detail}"
            : error.Message;
}
