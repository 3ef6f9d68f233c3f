namespace Berth.Stacks.Values;

/// <summary>Guesses what was meant by a misspelt word.</summary>
public static class Nearest
{
    /// <summary>The word of <paramref name="words"/> nearest to <paramref name="written"/>; null when none is near (more than
    /// a third of the letters differ).</summary>
    public static string? To(string written, IEnumerable<string> words)
    {
        if (written.Length > 64)
            return null;
        var (distance, word) = words.Select(word => (Distance: Distance(written, word), Word: word))
            .OrderBy(pair => pair.Distance).ThenBy(pair => pair.Word, StringComparer.Ordinal).FirstOrDefault();
        return word is not null && distance <= Math.Max(1, Math.Max(written.Length, word.Length) / 3) ? word : null;
    }

    // Levenshtein's distance without regard to case, one row at a time.
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var same = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]);
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (same ? 0 : 1)));
            }
        }
        return row[^1];
    }
}
