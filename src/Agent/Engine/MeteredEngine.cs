using System.Diagnostics;
using System.Diagnostics.Metrics;
using Berth.Telemetry;

namespace Berth.Agent.Engine;

/// <summary>Counts and times what is asked of an engine; answers as the engine does.</summary>
public sealed class MeteredEngine(IEngine engine, TimeProvider time) : IEngine
{
    private static readonly Histogram<double> Duration = BerthMeter.LongDuration(
        "berth.engine.call.duration", "How long the engine took for calls that ended well, by call.");

    private static readonly Counter<double> Failures = BerthMeter.Counter("berth.engine.call.failures", "Calls that the engine refused or did not answer, by call and kind of failure.");

    /// <inheritdoc/>
    public Task<EngineFacts> ConnectAsync(CancellationToken cancellation) => RunAsync("connect", () => engine.ConnectAsync(cancellation));

    /// <inheritdoc/>
    public Task PingAsync(CancellationToken cancellation) => RunAsync("ping", () => engine.PingAsync(cancellation));

    /// <inheritdoc/>
    public Task PullAsync(string image, CancellationToken cancellation) => RunAsync("pull", () => engine.PullAsync(image, cancellation));

    /// <inheritdoc/>
    public Task<string> CreateAsync(ContainerRequest request, CancellationToken cancellation) =>
        RunAsync("create", () => engine.CreateAsync(request, cancellation));

    /// <inheritdoc/>
    public Task StartAsync(string container, CancellationToken cancellation) => RunAsync("start", () => engine.StartAsync(container, cancellation));

    /// <inheritdoc/>
    public Task StopAsync(string container, TimeSpan grace, CancellationToken cancellation) =>
        RunAsync("stop", () => engine.StopAsync(container, grace, cancellation));

    /// <inheritdoc/>
    public Task RemoveAsync(string container, CancellationToken cancellation) => RunAsync("remove", () => engine.RemoveAsync(container, cancellation));

    /// <inheritdoc/>
    public Task<ContainerFacts?> InspectAsync(string container, CancellationToken cancellation) =>
        RunAsync("inspect", () => engine.InspectAsync(container, cancellation));

    /// <inheritdoc/>
    public Task<IReadOnlyList<ListedContainer>> ListAsync(string label, CancellationToken cancellation) =>
        RunAsync("list", () => engine.ListAsync(label, cancellation));

    /// <inheritdoc/>
    public Task<IEngineEvents> SubscribeAsync(string label, CancellationToken cancellation) =>
        RunAsync("subscribe", () => engine.SubscribeAsync(label, cancellation));

    // A stream lasts as long as its reader likes.
    /// <inheritdoc/>
    public IAsyncEnumerable<LogEntry> LogsAsync(string container, LogRequest request, CancellationToken cancellation) =>
        engine.LogsAsync(container, request, cancellation);

    /// <inheritdoc/>
    public Task<IExecution> ExecAsync(string container, ExecRequest request, CancellationToken cancellation) =>
        RunAsync("exec", () => engine.ExecAsync(container, request, cancellation));

    private async Task RunAsync(string call, Func<Task> run) => await RunAsync(call, async () =>
    {
        await run().ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false);

    private async Task<T> RunAsync<T>(string call, Func<Task<T>> run)
    {
        using var span = BerthTrace.Within($"engine {call}");
        var begun = time.GetTimestamp();
        try
        {
            var result = await run().ConfigureAwait(false);
            Duration.Record(time.GetElapsedTime(begun).TotalSeconds, new KeyValuePair<string, object?>("call", call));
            return result;
        }
        catch (EngineException failed)
        {
            Failures.Add(1, new("call", call), new("fault", failed.Fault.ToString()));
            span?.SetStatus(ActivityStatusCode.Error, failed.Message);
            throw;
        }
    }
}
