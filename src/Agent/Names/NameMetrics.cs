using System.Diagnostics.Metrics;
using Berth.Telemetry;

namespace Berth.Agent.Names;

/// <summary>What the name server counts.</summary>
internal static class NameMetrics
{
    private static readonly Counter<double> Queries = BerthMeter.Counter("berth.names.queries", "Questions for names, by how they ended.");

    public static void Answered(byte code) => Count(code switch
    {
        DnsCode.Done => "answered",
        DnsCode.NoSuchName => "unknown",
        _ => "refused",
    });

    public static void Forwarded(bool isAnswered) => Count(isAnswered ? "forwarded" : "unanswered");

    private static void Count(string outcome) => Queries.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
