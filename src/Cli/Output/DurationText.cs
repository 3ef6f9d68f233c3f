using System.Globalization;

namespace Berth.Cli.Output;

/// <summary>Spans of time in words.</summary>
internal static class DurationText
{
    /// <summary>As flags are written: <c>15m</c>, <c>1h30m</c>, <c>2.5s</c>.</summary>
    public static string Of(TimeSpan span)
    {
        if (span < TimeSpan.FromMinutes(1))
            return string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###}s");
        var hours = (int)span.TotalHours;
        return $"{(hours > 0 ? $"{hours}h" : "")}{(span.Minutes > 0 ? $"{span.Minutes}m" : "")}{(span.Seconds > 0 ? $"{span.Seconds}s" : "")}";
    }

    /// <summary>As Docker tells how long ago something was: <c>3 minutes</c>, <c>About an hour</c>.</summary>
    public static string Ago(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => "Less than a second",
        { TotalSeconds: < 2 } => "1 second",
        { TotalMinutes: < 1 } => $"{(int)span.TotalSeconds} seconds",
        { TotalMinutes: < 2 } => "About a minute",
        { TotalMinutes: < 46 } => $"{(int)span.TotalMinutes} minutes",
        { TotalMinutes: < 90 } => "About an hour",
        { TotalHours: < 48 } => $"{(int)Math.Round(span.TotalHours)} hours",
        { TotalDays: < 14 } => $"{(int)span.TotalDays} days",
        { TotalDays: < 60 } => $"{(int)(span.TotalDays / 7)} weeks",
        { TotalDays: < 730 } => $"{(int)(span.TotalDays / 30)} months",
        _ => $"{(int)(span.TotalDays / 365)} years",
    };
}
