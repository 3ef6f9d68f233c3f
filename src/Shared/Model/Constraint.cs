using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>One placement constraint such as <c>node.labels.zone != b</c>; the grammar is swarmkit's.</summary>
/// <param name="Key">Such as <c>node.hostname</c> or <c>node.labels.zone</c>, as written.</param>
/// <param name="IsEqual">True for <c>==</c>, false for <c>!=</c>.</param>
/// <param name="Value">Compared whole, without regard to case.</param>
public sealed partial record Constraint(string Key, bool IsEqual, string Value)
{
    private static readonly string[] Keys =
        ["node.id", "node.hostname", "node.role", "node.platform.os", "node.platform.arch", "node.ip"];

    /// <summary>Reads <c>KEY == VALUE</c> or <c>KEY != VALUE</c>.</summary>
    /// <param name="text">As a user wrote it.</param>
    /// <param name="constraint">What was read.</param>
    /// <param name="error">Why it was refused, ending in what to write instead. Unknown keys are refused: Swarm takes
    /// them and then never places the task.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Constraint? constraint, [NotNullWhen(false)] out string? error)
    {
        constraint = null;
        var match = Grammar().Match(text);
        if (!match.Success)
        {
            error = $"'{text}' is not a constraint; write KEY==VALUE or KEY!=VALUE, such as node.labels.zone==a";
            return false;
        }
        var key = match.Groups["key"].Value;
        if (!IsKnown(key))
        {
            error = $"'{key}' is not something a constraint can ask; known are {string.Join(", ", Keys)}, node.labels.NAME and engine.labels.NAME";
            return false;
        }
        constraint = new Constraint(key, match.Groups["op"].Value == "==", match.Groups["value"].Value);
        error = null;
        return true;
    }

    /// <summary>As swarmkit writes it: <c>KEY==VALUE</c>.</summary>
    public override string ToString() => $"{Key}{(IsEqual ? "==" : "!=")}{Value}";

    /// <summary>Whether a constraint or a spread preference can ask for <paramref name="key"/>.</summary>
    public static bool IsKnown(string key) =>
        Keys.Contains(key, StringComparer.OrdinalIgnoreCase) || IsLabel(key, "node.labels.") || IsLabel(key, "engine.labels.");

    private static bool IsLabel(string key, string prefix) =>
        key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"^\s*(?<key>[A-Za-z_][A-Za-z0-9\-_.]+)\s*(?<op>==|!=)\s*(?<value>[A-Za-z0-9:\-_\s.*()?+\[\]\\^$|/]*[A-Za-z0-9:\-_.*()?+\[\]\\^$|/])\s*$")]
    private static partial Regex Grammar();
}
