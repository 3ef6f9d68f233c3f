using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Berth.Telemetry;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Manager.Observability;

/// <summary>Counts, times and traces the calls a manager answers or passes on.</summary>
internal static class CallMetrics
{
    private static readonly Counter<double> Calls = BerthMeter.Counter("berth.calls", "Calls that ended, by method and gRPC status.");
    private static readonly Histogram<double> Duration = BerthMeter.Duration("berth.call.duration", "How long calls took that have one answer, by method and gRPC status.");
    private static readonly UpDownCounter<double> Open = BerthMeter.UpDown("berth.calls.open", "Calls that go on now, by method: mostly streams.");

    /// <summary>Every call goes through it.</summary>
    public static void UseCallMetrics(this WebApplication app, TimeProvider time) => app.Use(async (call, next) =>
    {
        var method = call.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method;
        // Paths that nobody answers are whatever a caller likes to write.
        var name = new KeyValuePair<string, object?>("method", method?.FullName.TrimStart('/') ?? "other");
        var begun = time.GetTimestamp();
        using var span = BerthTrace.Continue(call.Request.Path.Value ?? "", call.Request.Headers.TraceParent, ActivityKind.Server);
        Open.Add(1, name);
        try
        {
            await next(call);
        }
        finally
        {
            Open.Add(-1, name);
            var code = new KeyValuePair<string, object?>("code", CodeOf(call));
            Calls.Add(1, name, code);
            span?.SetTag("rpc.grpc.status", code.Value);
            if (method?.Type == MethodType.Unary)
                Duration.Record(time.GetElapsedTime(begun).TotalSeconds, name, code);
        }
    });

    private static string CodeOf(HttpContext call)
    {
        var told = call.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { } trailers && trailers.TryGetValue("grpc-status", out var trailer)
            ? trailer.ToString()
            : call.Response.Headers["grpc-status"].ToString();
        if (int.TryParse(told, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && Enum.IsDefined((StatusCode)code))
            return ((StatusCode)code).ToString();
        return call.RequestAborted.IsCancellationRequested ? nameof(StatusCode.Cancelled) : "none";
    }
}
