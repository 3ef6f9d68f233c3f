using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Cli.Output;

/// <summary>One column of a table.</summary>
/// <param name="Header">Docker's heading, in capitals.</param>
/// <param name="Value">The cell of a row.</param>
internal sealed record Column<T>(string Header, Func<T, string> Value)
{
    /// <summary>Whether the cell may be cut to make the table fit a terminal's width; at most one column of a table.</summary>
    public bool Elastic { get; init; }
}

/// <summary>How rows of one kind are listed: as a table, as JSON, by a template, or only their ids.</summary>
/// <param name="Columns">Of the table.</param>
/// <param name="Quiet">What <c>-q</c> prints for a row.</param>
/// <param name="Json">How a row is written as JSON; templates see the same fields. A table never needs it.</param>
internal sealed record Listing<T>(IReadOnlyList<Column<T>> Columns, Func<T, string> Quiet, Func<JsonTypeInfo<T>> Json)
{
    private const int NarrowestElastic = 30;

    /// <summary>Prints <paramref name="rows"/> to stdout in their order.</summary>
    public void Print(Terminal terminal, IReadOnlyList<T> rows, ListFormat format, bool quiet = false) =>
        terminal.Out.Write(Render(rows, format, quiet, terminal.Width));

    /// <summary>What is printed.</summary>
    /// <param name="rows">In the order they are shown.</param>
    /// <param name="format">What <c>--format</c> says.</param>
    /// <param name="quiet">What <c>-q</c> says.</param>
    /// <param name="width">Of the terminal; null when there is none.</param>
    public string Render(IReadOnlyList<T> rows, ListFormat format, bool quiet, int? width) => format switch
    {
        ListFormat.Json when quiet => JsonText.Array(rows, (writer, row) => writer.WriteStringValue(Quiet(row))),
        ListFormat.Json => JsonText.Array(rows, Json()),
        ListFormat.Template template => template.Parsed.RenderRows(rows.Select(row => JsonSerializer.SerializeToElement(row, Json())), template.WithHeader),
        _ when quiet => string.Concat(rows.Select(row => Quiet(row) + "\n")),
        _ => Table(rows, width),
    };

    private string Table(IReadOnlyList<T> rows, int? width)
    {
        string[] headers = [.. Columns.Select(column => column.Header)];
        var cells = rows.Select(row => Columns.Select(column => column.Value(row)).ToArray()).ToList();
        var elastic = Columns.Index().Where(column => column.Item.Elastic).Select(column => (int?)column.Index).FirstOrDefault();
        if (width is { } columns && elastic is { } at)
            Fit(headers, cells, at, columns);
        return TextTable.Render(headers, cells);
    }

    private static void Fit(string[] headers, List<string[]> cells, int elastic, int width)
    {
        var others = headers.Index().Where(column => column.Index != elastic)
            .Sum(column => 3 + cells.Select(row => row[column.Index].Length).Append(column.Item.Length).Max());
        var room = Math.Max(NarrowestElastic, width - others);
        foreach (var row in cells.Where(row => row[elastic].Length > room))
            row[elastic] = string.Concat(row[elastic].AsSpan(0, room - 1), "…");
    }
}
