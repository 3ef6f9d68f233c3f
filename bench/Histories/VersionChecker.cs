using System.Globalization;

namespace Berth.Bench.Histories;

/// <summary>What holds for every answer, also of a manager that is behind: versions only grow, and a version is one state. Pure.</summary>
public static class VersionChecker
{
    /// <summary>Every contradiction found, in words; empty when there is none.</summary>
    public static IReadOnlyList<string> Check(IEnumerable<Operation> history)
    {
        var answers = history.Where(call => call.Outcome == Outcome.Done && call.Version > 0).OrderBy(call => call.Returned).ToList();
        return [.. Backwards(answers), .. TwoStates(answers), .. AgainstTime(answers)];
    }

    // One client that asks one manager never sees time go back.
    private static IEnumerable<string> Backwards(List<Operation> answers) =>
        from session in answers.GroupBy(call => (call.Client, call.Manager))
        from pair in session.Zip(session.Skip(1), (before, after) => (before, after))
        where pair.after.Version < pair.before.Version && pair.before.Returned <= pair.after.Called
        select $"client {session.Key.Client} at {session.Key.Manager}: version {pair.after.Version} at {Text(pair.after.Returned)}, after {pair.before.Version} at {Text(pair.before.Returned)}";

    // Two managers that tell different things of one version do not follow one log.
    private static IEnumerable<string> TwoStates(List<Operation> answers) =>
        from version in answers.GroupBy(call => (call.Register, call.Version))
        let values = version.Select(call => call.Value).Distinct().ToList()
        where values.Count > 1
        select $"{version.Key.Register}: version {version.Key.Version} has the values {string.Join(" and ", values)}";

    // A version that was acknowledged is the least that a later consistent read or write may show.
    private static IEnumerable<string> AgainstTime(List<Operation> answers)
    {
        var acknowledged = answers.Where(call => call.Kind != OperationKind.Read).ToList();
        var newest = new Queue<Operation>(acknowledged);
        var (floor, by) = (0L, (Operation?)null);
        foreach (var call in acknowledged.OrderBy(call => call.Called))
        {
            while (newest.TryPeek(out var ended) && ended.Returned < call.Called)
            {
                newest.Dequeue();
                if (ended.Version > floor)
                    (floor, by) = (ended.Version, ended);
            }
            if (call.Version < floor)
                yield return $"client {call.Client} at {call.Manager}: {call.Kind} that began at {Text(call.Called)} has version {call.Version}, but {floor} was acknowledged to client {by!.Client} at {Text(by.Returned)}";
        }
    }

    private static string Text(TimeSpan at) => at.TotalSeconds.ToString("0.0000", CultureInfo.InvariantCulture) + " s";
}
