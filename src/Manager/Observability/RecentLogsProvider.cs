using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Observability;

/// <summary>Keeps the newest lines of the log in memory.</summary>
internal sealed class RecentLogsProvider(RecentLogs recent, TimeProvider time) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Keeper(categoryName, recent, time);

    public void Dispose()
    {
        // The lines outlive whoever writes them.
    }

    private sealed class Keeper(string category, RecentLogs recent, TimeProvider time) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                recent.Add(new LogLine(time.GetUtcNow(), logLevel, category, formatter(state, exception), state, exception).Text());
        }
    }
}
