using System.Diagnostics.Metrics;
using System.Globalization;
using Berth.Manager.Access;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Telemetry;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Berth.Manager.Forwarding;

/// <summary>Answers each call where <see cref="CallRoutes"/> says: here, or by the leader, to whom it is passed on as it is.</summary>
/// <remarks>A call waits for a leader, because a change of leaders takes a second or two. One that may have reached a leader who then
/// went away is never sent again when it changes something: its caller is told how to look.</remarks>
public sealed class CallForwarding(
    ILeadership leadership, LeadershipOptions own, ClusterView view, LeaderConnections connections, IHttpForwarder forwarder, Callers callers,
    IHostApplicationLifetime lifetime, TimeProvider time, ILogger<CallForwarding> log)
{
    /// <summary>How long a call waits for a leader, when its caller does.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How long a call waits until this manager has seen the index it asks for.</summary>
    public static readonly TimeSpan IndexPatience = TimeSpan.FromSeconds(1);

    private static readonly Counter<double> Forwarded = BerthMeter.Counter("berth.forwarded.calls", "Calls passed on to the leader, by what came of it.");

    // Between two looks, when nobody tells of a change.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // So much of a caller's time is left to tell him why nothing came of it.
    private static readonly TimeSpan TellTime = TimeSpan.FromMilliseconds(200);

    private static readonly ForwarderRequestConfig Raw = new()
    {
        Version = System.Net.HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        // The leader says itself when a change takes too long; a store's move is silent for minutes.
        ActivityTimeout = TimeSpan.FromMinutes(10),
    };

    /// <summary>Answers a call, or passes it on.</summary>
    public async Task HandleAsync(HttpContext call, RequestDelegate next)
    {
        var path = call.Request.Path.Value ?? "";
        var isConsistent = CallHeaders.IsSet(call.Request.Headers[CallHeaders.Consistent]);
        if (!await HoldsIndexAsync(call))
            return;
        if (!CallRoutes.NeedsLeader(path, isConsistent))
        {
            TellVersion(call, path);
            await next(call);
            return;
        }
        var isForwarded = CallHeaders.IsSet(call.Request.Headers[CallHeaders.Forwarded]);
        if (isForwarded && !leadership.IsLeading)
        {
            call.Response.Headers[CallHeaders.NotLeader] = "1";
            GrpcAnswer.Write(call, StatusCode.Unavailable, "this manager does not lead; nothing was changed");
            return;
        }
        await LeadAsync(call, next, new Errand(path, CallRoutes.CheckOf(path).Length == 0));
    }

    private async Task LeadAsync(HttpContext call, RequestDelegate next, Errand errand)
    {
        var patience = PatienceOf(call);
        var began = time.GetTimestamp();
        MemoryStream? body = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(call.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            while (true)
            {
                var changed = leadership.Changed;
                var leader = leadership.Current;
                if (leadership.IsLeading && (!errand.IsRead || leadership.HasValidLease))
                {
                    TellVersion(call, errand.Path);
                    if (body is not null)
                    {
                        // This manager took the lead while the call waited: what was read to be passed on is read again here.
                        body.Position = 0;
                        call.Request.Body = body;
                    }
                    await next(call);
                    return;
                }
                // The record can still name the life of this process before the present one: it takes the lead again in a moment, or another does.
                if (!leadership.IsLeading && leader is { Holder: { } holder, Url.Length: > 0 } && holder != own.Me)
                {
                    body ??= await ForwardedRequest.ReadAsync(call, MostBytes(errand.Path), stop.Token);
                    if (body is null)
                    {
                        GrpcAnswer.Write(call, StatusCode.ResourceExhausted, $"the request is longer than {MostBytes(errand.Path) >> 10} KiB; nothing was changed");
                        return;
                    }
                    if (await ForwardAsync(call, body, leader, changed, errand))
                        return;
                }
                var left = patience - time.GetElapsedTime(began);
                if (left <= TimeSpan.Zero)
                {
                    GrpcAnswer.Write(call, StatusCode.Unavailable, NobodyLed(leader, time.GetElapsedTime(began)));
                    return;
                }
                await WaitAsync(changed, left < Pause ? left : Pause, stop.Token);
            }
        }
        catch (OperationCanceledException) when (!call.RequestAborted.IsCancellationRequested && !call.Response.HasStarted)
        {
            GrpcAnswer.Write(call, StatusCode.Unavailable, "the manager is stopping; nothing was changed: call again");
        }
        catch (OperationCanceledException) when (call.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer.
        }
    }

    // False: nothing was done, and the caller may still have what he wants from the next leader.
    private async Task<bool> ForwardAsync(HttpContext call, MemoryStream body, LeaderRecord leader, Task changed, Errand errand)
    {
        body.Position = 0;
        using var over = new CancellationTokenSource();
        var transformer = new LeaderTransformer(Callers.ToHeader(callers.Of(call)), view, time);
        var sending = forwarder.SendAsync(call, leader.Url, connections.Invoker, Raw, transformer, over.Token).AsTask();
        if (await Task.WhenAny(sending, changed) == changed && !call.Response.HasStarted)
            await over.CancelAsync();
        var error = await sending;
        Forwarded.Add(1, new KeyValuePair<string, object?>("outcome", transformer.WasNotLeader ? "not_leader" : error == ForwarderError.None ? "answered" : "failed"));
        if (transformer.WasNotLeader)
        {
            Reset(call);
            return false;
        }
        if (error == ForwarderError.None || call.RequestAborted.IsCancellationRequested || call.Response.HasStarted)
            return true;

        var cause = call.Features.Get<IForwarderErrorFeature>()?.Exception;
        log.LogInformation(
            "Passing {Call} on to the leader {Leader} at {Url} failed: {Error} {Cause}", errand.Path, leader.Holder, leader.Url, error, cause?.Message ?? "");
        Reset(call);
        // What was not even begun to be sent has changed nothing; a read can be asked for again.
        if (body.Position == 0 || errand.IsRead)
            return false;
        GrpcAnswer.Write(call, StatusCode.Unavailable, MayHaveTakenEffect(leader, errand.Path));
        return true;
    }

    private async Task<bool> HoldsIndexAsync(HttpContext call)
    {
        if (!long.TryParse(call.Request.Headers[CallHeaders.MinimumIndex], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            || await view.ReachesAsync(index, IndexPatience, time, call.RequestAborted))
        {
            return true;
        }
        GrpcAnswer.Write(
            call, StatusCode.Unavailable,
            $"this manager has seen index {view.Current.Index} and not yet {index}, which the call asks for; call again, or another manager");
        return false;
    }

    // What a read is told lies before what it sees; what a change is told holds it.
    private void TellVersion(HttpContext call, string path)
    {
        if (!path.StartsWith("/berth.v1.", StringComparison.Ordinal))
            return;
        var before = view.Current;
        call.Response.OnStarting(() =>
        {
            var state = CallRoutes.Of(path) == CallRoute.Leader ? view.Current : before;
            call.Response.Headers[CallHeaders.Index] = state.Index.ToString(CultureInfo.InvariantCulture);
            call.Response.Headers[CallHeaders.Epoch] = state.Epoch.ToString(CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        });
    }

    private static TimeSpan PatienceOf(HttpContext call)
    {
        var told = GrpcAnswer.Timeout(call.Request.Headers["grpc-timeout"]) - TellTime;
        return told is { } less && less < Patience ? less : Patience;
    }

    private static int MostBytes(string path) => path.StartsWith("/berth.v1.Enrollment/", StringComparison.Ordinal)
        ? ForwardedRequest.MostAnonymousBytes
        : ForwardedRequest.MostBytes;

    private async Task WaitAsync(Task changed, TimeSpan pause, CancellationToken cancellation)
    {
        try
        {
            await changed.WaitAsync(pause, time, cancellation);
        }
        catch (TimeoutException)
        {
            // Nothing changed; what was tried may work by now.
        }
    }

    private static void Reset(HttpContext call)
    {
        if (!call.Response.HasStarted)
            call.Response.Clear();
    }

    private static string NobodyLed(LeaderRecord leader, TimeSpan waited)
    {
        var who = leader.Holder is { } holder ? $"the last leader known is {holder} at {leader.Url}, which cannot be reached" : "no manager leads";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{who}, and no other took over within {waited.TotalSeconds:0.0} s; nothing was changed: call again, and see berth cluster status");
    }

    private static string MayHaveTakenEffect(LeaderRecord leader, string path) =>
        $"the leader {leader.Holder} at {leader.Url} went away before it answered; this may have taken effect: check with {CallRoutes.CheckOf(path)}";

    private sealed record Errand(string Path, bool IsRead);
}
