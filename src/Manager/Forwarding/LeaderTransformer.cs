using System.Globalization;
using Berth.Manager.Access;
using Berth.Manager.Store;
using Berth.Telemetry;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Berth.Manager.Forwarding;

/// <summary>What changes on a call's way to the leader, and on its answer's way back.</summary>
internal sealed class LeaderTransformer(string caller, ClusterView view, TimeProvider time) : HttpTransformer
{
    /// <summary>How long an answer waits until this manager has seen what it speaks of.</summary>
    public static readonly TimeSpan CatchUpTime = TimeSpan.FromMilliseconds(500);

    /// <summary>The manager that was asked does not lead, and did nothing.</summary>
    public bool WasNotLeader { get; private set; }

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        // The leader's own name, not the one this manager was called by.
        proxyRequest.Headers.Host = null;
        proxyRequest.Headers.Remove(Callers.Header);
        proxyRequest.Headers.Remove(CallHeaders.Forwarded);
        proxyRequest.Headers.TryAddWithoutValidation(CallHeaders.Forwarded, "1");
        proxyRequest.Headers.TryAddWithoutValidation(Callers.Header, caller);
        proxyRequest.Headers.Remove(CallHeaders.Trace);
        // Below this manager's own span; without one, as the caller sent it.
        var trace = BerthTrace.Parent is { Length: > 0 } own ? own : BerthTrace.Checked(httpContext.Request.Headers[CallHeaders.Trace]);
        if (trace.Length > 0)
            proxyRequest.Headers.TryAddWithoutValidation(CallHeaders.Trace, trace);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (CallHeaders.IsSet(Header(proxyResponse, CallHeaders.NotLeader)))
        {
            WasNotLeader = true;
            return false;
        }
        // The caller's next read here shows what he changed. A manager that lags behind for longer answers nonetheless: the
        // change is done, and its index is told.
        if (long.TryParse(Header(proxyResponse, CallHeaders.Index), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            await view.ReachesAsync(index, CatchUpTime, time, cancellationToken);
        return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    private static string? Header(HttpResponseMessage? response, string name) =>
        response is not null && response.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
