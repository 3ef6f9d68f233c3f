using System.Diagnostics.Metrics;
using Berth.Telemetry;

namespace Berth.Agent.Balance;

/// <summary>What the keeper of the rules counts.</summary>
internal static class BalanceMetrics
{
    private static readonly Histogram<double> Duration = BerthMeter.Duration("berth.network.rules.duration", "One transaction of nftables, of whatever size.");
    private static readonly Counter<double> Failures = BerthMeter.Counter("berth.network.rules.failures", "Transactions that nftables refused.");
    private static readonly Counter<double> Heals = BerthMeter.Counter("berth.network.rules.heals", "Times that rules were found missing and put back.");
    private static readonly Counter<double> Cuts = BerthMeter.Counter("berth.network.connections.cut", "Connections to containers that were gone.");

    public static void Applied(TimeSpan took, bool isRefused)
    {
        Duration.Record(took.TotalSeconds);
        if (isRefused)
            Failures.Add(1);
    }

    public static void Healed() => Heals.Add(1);

    public static void Cut(int connections) => Cuts.Add(connections);
}
