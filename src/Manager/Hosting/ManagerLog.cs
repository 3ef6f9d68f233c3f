using Berth.Manager.Observability;
using Berth.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Berth.Manager.Hosting;

/// <summary>The manager's log: on stderr, and its newest lines in memory.</summary>
internal static class ManagerLog
{
    /// <summary>Sets it up.</summary>
    public static void Write(ILoggingBuilder logging, ManagerOptions options)
    {
        var level = options.LogLevel;
        logging.SetMinimumLevel(level);
        logging.AddFilter("Microsoft", level > LogLevel.Warning ? level : LogLevel.Warning);
        // Who asks for the health is told; a log line for each time it is asked would say nothing more.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        logging.AddFilter("Grpc", level > LogLevel.Warning ? level : LogLevel.Warning);
        // It would write a stack trace for each message that cannot be read and each client that went away, so anybody could fill the disk.
        // What fails inside a call is logged where calls are let through.
        logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", level == LogLevel.Trace ? level : LogLevel.None);
        // A line for each call that is passed on, and again for each that fails: CallForwarding says that better.
        logging.AddFilter("Yarp", LogLevel.Critical);
        logging.AddProvider(new RecentLogsProvider(options.RecentLogs, TimeProvider.System));
        if (options.LogFormat == LogFormat.Json)
        {
            logging.Services.TryAddSingleton(TimeProvider.System);
            logging.AddConsole(console => console.FormatterName = JsonLines.FormatterName).AddConsoleFormatter<JsonLines, ConsoleFormatterOptions>();
        }
        else
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            });
        }
        // stdout is for data; a daemon has none.
        logging.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            // A manager must not stand still because nobody reads its log; how many lines are missing is said when somebody does.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
    }
}
