using System.Diagnostics.Metrics;
using Berth.Telemetry;

namespace Berth.Manager.Store;

/// <summary>What the store counts. Labelled by store: <c>sqlite</c>, <c>postgres</c> or <c>etcd</c>.</summary>
internal sealed class StoreMetrics(string journalPluginId)
{
    private static readonly Histogram<double> AppendDuration = BerthMeter.Duration(
        "berth.store.append.duration", "From handing rows to the store until it says that they are durable.");

    private static readonly Histogram<double> AppendRows = BerthMeter.Size("berth.store.append.rows", "Commits that were written together.");
    private static readonly Counter<double> Refused = BerthMeter.Counter(
        "berth.store.fence.refusals", "Writes that the store refused because another manager leads; the process ends after one.");

    private static readonly Histogram<double> SnapshotDuration = BerthMeter.LongDuration("berth.store.snapshot.duration", "How long writing a snapshot took.");
    private static readonly Counter<double> SnapshotsFailed = BerthMeter.Counter("berth.store.snapshot.failures", "Snapshots that could not be written.");

    // akka.persistence.journal.sqlite → sqlite
    private readonly KeyValuePair<string, object?> _store = new("store", journalPluginId[(journalPluginId.LastIndexOf('.') + 1)..]);

    public void Appended(int rows, TimeSpan took)
    {
        AppendDuration.Record(took.TotalSeconds, _store);
        AppendRows.Record(rows, _store);
    }

    public void Fenced() => Refused.Add(1, _store);

    public void SnapshotWritten(TimeSpan took) => SnapshotDuration.Record(took.TotalSeconds, _store);

    public void SnapshotFailed() => SnapshotsFailed.Add(1, _store);
}

/// <summary>How long deciders take, by their name.</summary>
public static class DeciderMetrics
{
    private static readonly Histogram<double> Duration = BerthMeter.Duration(
        "berth.decider.duration", "How long one pass of a decider took: orchestration looks at services, scheduling at tasks without a node.");

    /// <summary>A pass is over.</summary>
    /// <param name="decider">Which: one of a few words.</param>
    /// <param name="took">How long it took.</param>
    public static void Passed(string decider, TimeSpan took) => Duration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("decider", decider));
}
