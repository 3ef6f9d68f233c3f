using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Berth.Cli.Output;

/// <summary>The part of Go's templates that people use with Docker: text, <c>{{.Field}}</c>, <c>{{.Spec.Name}}</c>, and one of
/// <c>json</c>, <c>lower</c>, <c>upper</c> before a field. Everything else is refused.</summary>
internal sealed partial class GoTemplate
{
    private readonly List<Segment> _segments;

    private GoTemplate(List<Segment> segments) => _segments = segments;

    /// <summary>Reads a template; <c>\t</c> and <c>\n</c> in its text are a tab and a line end.</summary>
    public static GoTemplate Parse(string text)
    {
        var segments = new List<Segment>();
        var at = 0;
        while (text.IndexOf("{{", at, StringComparison.Ordinal) is var open and >= 0)
        {
            segments.Add(new Segment(Unescape(text[at..open]), null, []));
            var close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
                throw UserError.Usage($"template '{text}' has '{{{{' at {open + 1} without '}}}}'");
            segments.Add(Action(text[(open + 2)..close]));
            at = close + 2;
        }
        segments.Add(new Segment(Unescape(text[at..]), null, []));
        return new GoTemplate(segments);
    }

    /// <summary>One line a row; with <paramref name="withHeader"/>, as a table headed by the fields' names.</summary>
    public string RenderRows(IEnumerable<JsonElement> rows, bool withHeader)
    {
        var lines = rows.Select(Render).ToList();
        if (!withHeader)
            return string.Concat(lines.Select(line => line + "\n"));

        var header = string.Concat(_segments.Select(segment =>
            segment.Path.Count == 0 ? segment.Text : string.Join(' ', WordsOf(segment.Path[^1])).ToUpperInvariant()));
        string[] headers = header.Split('\t');
        return TextTable.Render(headers, lines.Select(line => Cells(line, headers.Length)));
    }

    /// <summary>The template with the values of <paramref name="root"/> in it.</summary>
    public string Render(JsonElement root)
    {
        var text = new StringBuilder();
        foreach (var segment in _segments)
            text.Append(segment.Function is null ? segment.Text : Show(segment.Function, Find(root, segment.Path)));
        return text.ToString();
    }

    // 'CurrentState' heads its column as 'CURRENT STATE', as Docker has it; 'ID' stays one word.
    private static IEnumerable<string> WordsOf(string name) => WordStart().Split(name).Where(word => word.Length > 0);

    private static string[] Cells(string line, int count)
    {
        var cells = line.Split('\t');
        return [.. cells.Take(count), .. Enumerable.Repeat("", Math.Max(0, count - cells.Length))];
    }

    private static Segment Action(string action)
    {
        var match = Grammar().Match(action);
        if (!match.Success)
        {
            throw UserError.Usage($"template action '{{{{{action}}}}}' is not supported",
                "use fields such as {{.Name}}, {{.Spec.Name}} or {{json .Labels}}; for more, take --format json and a tool such as jq");
        }
        var function = match.Groups["function"] is { Success: true } named ? named.Value : "";
        return new Segment("", function, match.Groups["path"].Value.Split('.', StringSplitOptions.RemoveEmptyEntries));
    }

    private static JsonElement Find(JsonElement root, IReadOnlyList<string> path)
    {
        var found = root;
        foreach (var name in path)
        {
            if (found.ValueKind == JsonValueKind.Object && found.TryGetProperty(name, out var inner))
            {
                found = inner;
                continue;
            }
            var known = found.ValueKind == JsonValueKind.Object
                ? string.Join(", ", found.EnumerateObject().Select(property => property.Name))
                : "none";
            throw UserError.Usage($"template field '.{string.Join('.', path)}': there is no '{name}'", $"known here: {known}");
        }
        return found;
    }

    private static string Show(string function, JsonElement value)
    {
        if (function == "json")
            return JsonText.Line(value);
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString() ?? "",
            JsonValueKind.Null => "",
            _ => JsonText.Line(value),
        };
        return function switch
        {
            "lower" => text.ToLowerInvariant(),
            "upper" => text.ToUpperInvariant(),
            _ => text,
        };
    }

    private static string Unescape(string text) =>
        text.Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal);

    [GeneratedRegex(@"^\s*((?<function>json|lower|upper)\s+)?\.(?<path>[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*)?\s*$", RegexOptions.ExplicitCapture)]
    private static partial Regex Grammar();

    [GeneratedRegex("(?<=[a-z])(?=[A-Z])")]
    private static partial Regex WordStart();

    private sealed record Segment(string Text, string? Function, IReadOnlyList<string> Path);
}
