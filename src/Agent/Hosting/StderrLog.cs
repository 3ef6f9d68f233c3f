using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Hosting;

/// <summary>One line on stderr per message, and the newest of them in memory.</summary>
public sealed class StderrLog(LogLevel least, LogFormat format, RecentLogs recent, TimeProvider time) : ILogger
{
    /// <summary>Says why the agent does not even start.</summary>
    public static void Refuse(string error, LogFormat format, TimeProvider time) => Console.Error.WriteLine(
        format == LogFormat.Json ? new LogLine(time.GetUtcNow(), LogLevel.Error, "", error, null, null).Json() : $"error: {error}");

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var line = new LogLine(time.GetUtcNow(), logLevel, "", formatter(state, exception), state, exception);
        var text = line.Text();
        recent.Add(text);
        Console.Error.WriteLine(format == LogFormat.Json ? line.Json() : text);
    }
}
