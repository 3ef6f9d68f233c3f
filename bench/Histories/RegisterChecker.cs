using System.Globalization;

namespace Berth.Bench.Histories;

/// <summary>Whether what clients saw of registers can have come from one register each that is changed and read in single
/// instants (linearizability). Pure.</summary>
/// <remarks>
/// Every written value is unique, so each read names its write, and the question needs no search (Gibbons and Korach, 1997).
/// A write with its reads is a zone: from the earliest end of its calls to the latest begin. If the end comes first, the
/// register certainly held that value from then to there, and no other value can have been there (a forward zone); else all of its
/// calls can have happened in one instant between the two (a backward zone). The history is linearizable when no value
/// was read before it was written, no two forward zones overlap, and no backward zone lies within a forward one.
/// A write of which nobody knows the end took effect before the first answer that shows it, or has never to be thought of.
/// </remarks>
public static class RegisterChecker
{
    /// <summary>Every contradiction found, in words; empty when there is none.</summary>
    /// <param name="history">Calls on any number of registers, in any order. Plain reads prove nothing here and are passed over.</param>
    public static IReadOnlyList<string> Check(IEnumerable<Operation> history) =>
        [.. history.Where(call => call.Kind != OperationKind.Read).GroupBy(call => call.Register, StringComparer.Ordinal).SelectMany(CheckRegister)];

    private static IEnumerable<string> CheckRegister(IGrouping<string, Operation> register)
    {
        var reads = register.Where(call => call.Kind == OperationKind.ConsistentRead && call.Outcome == Outcome.Done).ToLookup(call => call.Value);
        var writes = new Dictionary<long, Operation>();
        foreach (var write in register.Where(call => call.Kind == OperationKind.Write))
        {
            if (!writes.TryAdd(write.Value, write))
                return [$"{register.Key}: value {write.Value} was written twice; this checker needs unique values"];
        }

        var problems = new List<string>();
        var zones = new List<Zone>();
        // What was there before anybody wrote: a write that ended before time began.
        Add(Zone.Of(0, TimeSpan.MinValue, TimeSpan.MinValue, reads[0]));
        foreach (var (value, write) in writes)
        {
            var seen = reads[value].ToList();
            var early = seen.FirstOrDefault(read => read.Returned < write.Called);
            if (early is not null)
                problems.Add($"{register.Key}: client {early.Client} read {value} at {Text(early.Returned)}, before it was written at {Text(write.Called)}");
            if (write.Outcome == Outcome.Failed && seen.Count > 0)
                problems.Add($"{register.Key}: client {seen[0].Client} read {value} at {Text(seen[0].Returned)}, whose write was refused");
            if (write.Outcome == Outcome.Done || (write.Outcome == Outcome.Unknown && seen.Count > 0))
                Add(Zone.Of(value, write.Called, write.Outcome == Outcome.Done ? write.Returned : TimeSpan.MaxValue, seen));
        }
        problems.AddRange(reads.Where(group => group.Key != 0 && !writes.ContainsKey(group.Key))
            .Select(group => $"{register.Key}: client {group.First().Client} read {group.Key} at {Text(group.First().Returned)}, which nobody wrote"));
        problems.AddRange(Contradictions(register.Key, zones));
        return problems;

        void Add(Zone zone) => zones.Add(zone);
    }

    private static IEnumerable<string> Contradictions(string register, List<Zone> zones)
    {
        var forward = zones.Where(zone => zone.IsForward).OrderBy(zone => zone.From).ToList();
        for (var next = 1; next < forward.Count; next++)
        {
            if (forward[next].From < forward[next - 1].To)
                yield return $"{register}: {forward[next - 1]} and {forward[next]}: a stale answer, or a lost write";
        }
        foreach (var zone in zones.Where(zone => !zone.IsForward))
        {
            // Forward zones do not overlap where the history is sound, so the last that begins before this one is the only one that can hold it.
            var holder = LastBefore(forward, zone.From);
            if (holder is not null && zone.To < holder.To)
                yield return $"{register}: {zone}, but {holder}: an acknowledged write was lost, or an answer was stale";
        }
    }

    private static Zone? LastBefore(List<Zone> sorted, TimeSpan at)
    {
        int low = 0, high = sorted.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (sorted[middle].From < at)
                low = middle + 1;
            else
                high = middle;
        }
        return low == 0 ? null : sorted[low - 1];
    }

    private static string Text(TimeSpan at) => at == TimeSpan.MinValue ? "the beginning" : at.TotalSeconds.ToString("0.0000", CultureInfo.InvariantCulture) + " s";

    private sealed record Zone(long Value, TimeSpan From, TimeSpan To, bool IsForward)
    {
        public static Zone Of(long value, TimeSpan called, TimeSpan returned, IEnumerable<Operation> reads)
        {
            TimeSpan end = returned, begin = called;
            foreach (var read in reads)
            {
                end = read.Returned < end ? read.Returned : end;
                begin = read.Called > begin ? read.Called : begin;
            }
            return end < begin ? new Zone(value, end, begin, true) : new Zone(value, begin, end, false);
        }

        public override string ToString() => IsForward
            ? $"{Value} was there from {Text(From)} to {Text(To)}"
            : $"{Value} was written between {Text(From)} and {Text(To)}";
    }
}
