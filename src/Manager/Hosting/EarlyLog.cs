using Berth.Telemetry;
using Microsoft.Extensions.Logging;

namespace Berth.Manager.Hosting;

/// <summary>What a manager says before its log is set up, and once nothing waits for that any more: a line on stderr at once, as plain text or as the
/// JSON that its log is.</summary>
internal sealed class EarlyLog(LogFormat format, TimeProvider time)
{
    private const string Category = "Berth.Manager";

    /// <summary>It cannot go on.</summary>
    public void Error(string message) => Write(LogLevel.Error, "error: ", message);

    /// <summary>It waits, or ends in order.</summary>
    public void Warning(string message) => Write(LogLevel.Warning, "", message);

    private void Write(LogLevel level, string prefix, string message) => Console.Error.WriteLine(
        format == LogFormat.Json ? new LogLine(time.GetUtcNow(), level, Category, message, null, null).Json() : prefix + message);
}
