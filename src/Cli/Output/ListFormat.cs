namespace Berth.Cli.Output;

/// <summary>What <c>--format</c> asks for. Closed: the cases below are all there are.</summary>
internal abstract record ListFormat
{
    private ListFormat() { }

    /// <summary>A table for people: the default.</summary>
    public sealed record Table : ListFormat;

    /// <summary>JSON, and nothing else, on stdout.</summary>
    public sealed record Json : ListFormat;

    /// <summary>A Go template, one line a row, with a heading when it began with <c>table</c>.</summary>
    public sealed record Template(GoTemplate Parsed, bool WithHeader) : ListFormat;

    /// <summary>Reads the flag's value; null is the table.</summary>
    /// <exception cref="UserError">It is neither <c>table</c>, <c>json</c> nor a template.</exception>
    public static ListFormat Parse(string? text) => text switch
    {
        null or "" or "table" => new Table(),
        "json" => new Json(),
        _ when text.StartsWith("table ", StringComparison.Ordinal) => new Template(GoTemplate.Parse(text["table ".Length..]), true),
        _ when text.Contains("{{", StringComparison.Ordinal) => new Template(GoTemplate.Parse(text), false),
        _ => throw UserError.Usage($"--format '{text}' is not a format",
            "write table, json, or a template of fields such as '{{.ID}} {{.Name}}'"),
    };
}
