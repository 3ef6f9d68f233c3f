using System.Globalization;

namespace Berth.Bench.Histories;

/// <summary>A history as text, one call a line, fields separated by tabs: to look at, and to check again.</summary>
public static class HistoryFile
{
    private const string Head = "client\tmanager\tkind\tregister\tvalue\tversion\tcalled_ticks\treturned_ticks\toutcome";

    /// <summary>Writes it.</summary>
    public static void Write(TextWriter to, IEnumerable<Operation> history)
    {
        to.WriteLine(Head);
        foreach (var call in history)
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{call.Client}\t{call.Manager}\t{call.Kind}\t{call.Register}\t{call.Value}\t{call.Version}\t{call.Called.Ticks}\t{call.Returned.Ticks}\t{call.Outcome}"));
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="FormatException">The text is not a history.</exception>
    public static IReadOnlyList<Operation> Read(TextReader from)
    {
        if (from.ReadLine() != Head)
            throw new FormatException($"a history begins with the line '{Head}'");
        var history = new List<Operation>();
        while (from.ReadLine() is { } line)
        {
            var fields = line.Split('\t');
            history.Add(fields.Length == 9
                ? new Operation(
                    int.Parse(fields[0], CultureInfo.InvariantCulture), fields[1], Enum.Parse<OperationKind>(fields[2]), fields[3], Number(fields[4]), Number(fields[5]),
                    new TimeSpan(Number(fields[6])), new TimeSpan(Number(fields[7])), Enum.Parse<Outcome>(fields[8]))
                : throw new FormatException($"line {history.Count + 2} has {fields.Length} fields, a call has 9"));
        }
        return history;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
