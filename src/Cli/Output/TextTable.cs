using System.Text;

namespace Berth.Cli.Output;

/// <summary>Tables as Docker prints them: no borders, columns as wide as their widest cell and three spaces.</summary>
internal static class TextTable
{
    private const int Gap = 3;

    /// <summary>The table's lines, each ended; no trailing spaces.</summary>
    public static string Render(IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> lines = [headers, .. rows];
        var widths = new int[headers.Count];
        foreach (var line in lines)
        {
            for (var at = 0; at < widths.Length; at++)
                widths[at] = Math.Max(widths[at], line[at].Length);
        }

        var text = new StringBuilder();
        foreach (var line in lines)
        {
            var start = text.Length;
            for (var at = 0; at < widths.Length; at++)
                text.Append(line[at].PadRight(widths[at] + Gap));
            var end = text.Length;
            while (end > start && text[end - 1] == ' ')
                end--;
            text.Length = end;
            text.Append('\n');
        }
        return text.ToString();
    }
}
