using System.Diagnostics;

namespace Berth.Telemetry;

/// <summary>Makes the spans of traces. Without somebody who listens each call returns null and costs a comparison.</summary>
/// <remarks>Only the command line begins a trace; everybody else continues the one he was handed. A trace is handed on as W3C's
/// <c>traceparent</c>: in calls as a header, in the state as a field of what a command made.</remarks>
public static class BerthTrace
{
    /// <summary>The source's name: what a collector of another kind subscribes to.</summary>
    public const string Name = "berth";

    // 00-<32>-<16>-<2>
    private const int ParentLength = 55;

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Whether somebody listens.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>Begins a trace.</summary>
    public static Activity? Begin(string name) => Source.StartActivity(name, ActivityKind.Client);

    /// <summary>A span within the one this code runs in; null when it runs in none.</summary>
    public static Activity? Within(string name, ActivityKind kind = ActivityKind.Internal) =>
        Source.HasListeners() && Activity.Current is { Recorded: true } ? Source.StartActivity(name, kind) : null;

    /// <summary>A span of a trace that was handed on; null when there was none, or it is not recorded.</summary>
    /// <param name="name">What is done.</param>
    /// <param name="parent">What <see cref="Parent"/> was where it began; empty for none.</param>
    /// <param name="kind">Whether it answers or asks.</param>
    public static Activity? Continue(string name, string? parent, ActivityKind kind = ActivityKind.Internal) =>
        Source.HasListeners() && TryParse(parent, out var context) ? Source.StartActivity(name, kind, context) : null;

    /// <summary>As <see cref="Continue"/>, for a span that other code ends: this code does not run in it. Ended with <see cref="End"/>.</summary>
    public static Activity? Open(string name, string? parent)
    {
        var current = Activity.Current;
        var span = Continue(name, parent);
        if (span is not null)
            Activity.Current = current;
        return span;
    }

    /// <summary>Ends what <see cref="Open"/> began.</summary>
    public static void End(Activity? span)
    {
        if (span is null)
            return;
        var current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }

    /// <summary>What the span was for did not come about: it is told to nobody.</summary>
    public static void Discard(Activity? span)
    {
        if (span is not null)
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }

    /// <summary>What continues the trace this code runs in, elsewhere; empty when it runs in none that is recorded.</summary>
    public static string Parent => ParentOf(Activity.Current);

    /// <summary>What continues a trace below a span; empty for none.</summary>
    public static string ParentOf(Activity? span) => span is { Recorded: true, IdFormat: ActivityIdFormat.W3C, Id: { } id } ? id : "";

    /// <summary>A parent as somebody else wrote it, when it can be one; else empty.</summary>
    public static string Checked(string? parent) => TryParse(parent, out _) ? parent! : "";

    private static bool TryParse(string? parent, out ActivityContext context)
    {
        context = default;
        return parent is { Length: ParentLength } && ActivityContext.TryParse(parent, null, isRemote: true, out context)
            && context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);
    }
}
