using Berth.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Berth.Manager.Observability;

/// <summary>Writes the log as one JSON object a line, in the same form as the agent's.</summary>
internal sealed class JsonLines(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "berth-json";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter?.Invoke(logEntry.State, logEntry.Exception) ?? "";
        textWriter.Write(new LogLine(time.GetUtcNow(), logEntry.LogLevel, logEntry.Category, message, logEntry.State, logEntry.Exception).Json());
        textWriter.Write('\n');
    }
}
