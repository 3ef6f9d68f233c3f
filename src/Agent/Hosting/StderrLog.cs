using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Berth.Agent.Hosting;

/// <summary>One plain line on stderr per message: time, level, text.</summary>
public sealed class StderrLog(LogLevel least, TimeProvider time) : ILogger
{
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
        var word = logLevel switch
        {
            LogLevel.Information => "info",
            LogLevel.Warning => "warning",
            LogLevel.Error or LogLevel.Critical => "error",
            _ => "debug",
        };
        var text = exception is null ? formatter(state, exception) : $"{formatter(state, exception)}: {exception}";
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {word} {text}"));
    }
}
