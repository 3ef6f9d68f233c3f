using Berth.Protocol.V1;

namespace Berth.Cli.Output;

/// <summary>How a node empties, in words: pure functions of what the manager says.</summary>
internal static class DrainText
{
    /// <summary>One line for each task that left and each new reason to wait.</summary>
    public static IEnumerable<string> Changes(string node, DrainProgress? before, DrainProgress now)
    {
        var left = now.Tasks.Select(row => row.Task.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var row in (before?.Tasks ?? []).Where(row => !left.Contains(row.Task.Id)))
            yield return $"{row.Name} left {node}";
        var heading = Heading(node, now);
        if (before is null || heading != Heading(node, before))
            yield return heading;
    }

    /// <summary>The live view: the tasks that are still there.</summary>
    public static IReadOnlyList<ViewLine> View(string node, DrainProgress now, int height)
    {
        var room = Math.Max(0, height - 2);
        var lines = new List<ViewLine> { new(Heading(node, now), now.Empty ? Tone.Good : Tone.Plain) };
        lines.AddRange(now.Tasks.Take(room).Select(row => new ViewLine($"  {ServiceProgressText.Replica(row)}", Tone.Waiting)));
        if (now.Tasks.Count > room)
            lines.Add(new ViewLine($"  and {now.Tasks.Count - room} more", Tone.Waiting));
        return lines;
    }

    private static string Heading(string node, DrainProgress now) =>
        now.Reason.Length > 0 ? now.Reason : now.Empty ? $"{node} is empty" : $"{now.Tasks.Count} task{(now.Tasks.Count == 1 ? " is" : "s are")} left on {node}";
}
