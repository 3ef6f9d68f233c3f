using System.Diagnostics;
using System.Runtime.CompilerServices;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Berth.Telemetry;

/// <summary>Sends this process's spans to an OpenTelemetry collector, when the environment says so: <c>BERTH_TRACE=1</c>, or
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> as everywhere. Off, nothing of it is loaded.</summary>
public sealed class TraceExport : IDisposable
{
    // Whoever asked for a trace waits so long for a collector that does not answer, and no longer.
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(2);

    private readonly TracerProvider _provider;

    private TraceExport(TracerProvider provider) => _provider = provider;

    /// <summary>Begins to export; null when nobody asked for it.</summary>
    /// <param name="program">Such as <c>berth-agent</c>.</param>
    /// <param name="version">Such as <c>0.1.0</c>.</param>
    /// <param name="environment">A variable's value, or null.</param>
    public static TraceExport? Start(string program, string version, Func<string, string?> environment) =>
        IsOn(environment) ? Open(program, version, environment) : null;

    /// <summary>Whether the environment asks for traces.</summary>
    public static bool IsOn(Func<string, string?> environment)
    {
        if (environment("OTEL_SDK_DISABLED") is "true" || environment("BERTH_TRACE") is "0" or "false")
            return false;
        return environment("BERTH_TRACE") is { Length: > 0 }
            || environment("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 }
            || environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") is { Length: > 0 };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _provider.ForceFlush((int)FlushTime.TotalMilliseconds);
        _provider.Dispose();
    }

    // Apart from the question whether: a command line that makes no trace must not load what makes them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TraceExport Open(string program, string version, Func<string, string?> environment)
    {
        Activity.DefaultIdFormat = ActivityIdFormat.W3C;
        var isGrpc = (environment("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? environment("OTEL_EXPORTER_OTLP_PROTOCOL")) is "grpc";
        return new TraceExport(Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService(program, serviceVersion: version, serviceInstanceId: Environment.MachineName))
            .AddSource(BerthTrace.Name)
            .AddOtlpExporter(exporter =>
            {
                if (!isGrpc)
                    exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
            })
            .Build());
    }
}
