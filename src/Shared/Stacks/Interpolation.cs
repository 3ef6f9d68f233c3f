using System.Collections.Immutable;
using Berth.Stacks.Values;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Replaces variables in the values of a document, in the sections in which Docker does.</summary>
internal sealed class Interpolation
{
    /// <summary>Most characters that all replaced texts of a stack may have together.</summary>
    public const int MostCharacters = 32 * 1024 * 1024;

    private static readonly string[] Sections = ["services", "volumes", "networks", "secrets", "configs"];

    private readonly IReadOnlyDictionary<string, string> _variables;
    private readonly ProblemList _problems;
    private long _characters;

    /// <summary>Whether variables are replaced in this key of the top level.</summary>
    public static bool IsReplacedIn(string section) => Sections.Contains(section);

    private Interpolation(IReadOnlyDictionary<string, string> variables, ProblemList problems) =>
        (_variables, _problems) = (variables, problems);

    /// <summary>The document with variables replaced.</summary>
    public static YamlMap Apply(YamlMap root, IReadOnlyDictionary<string, string> variables, ProblemList problems)
    {
        var interpolation = new Interpolation(variables, problems);
        var entries = root.Entries.Select(entry => IsReplacedIn(entry.Key.Text)
            ? entry with { Value = interpolation.Replace(entry.Value, entry.Key.Text) }
            : entry);
        return new YamlMap(root.Place, entries);
    }

    private YamlNode Replace(YamlNode node, string path) => node switch
    {
        YamlScalar { Type: ScalarType.Text } scalar => ReplaceText(scalar, path),
        YamlList list => ReplaceItems(list, path),
        YamlMap map => ReplaceValues(map, path),
        _ => node,
    };

    private YamlScalar ReplaceText(YamlScalar scalar, string path)
    {
        if (!scalar.Text.Contains('$'))
            return scalar;
        var (text, findings) = VariableTemplate.Expand(scalar.Text, _variables);
        foreach (var finding in findings)
        {
            if (finding.IsError)
                _problems.Add(scalar.PlaceOf(finding.At), path, finding.Message, finding.Next);
            else
                _problems.Warn(scalar.PlaceOf(finding.At), path, finding.Message, finding.Next);
        }
        _characters += text.Length;
        if (_characters > MostCharacters)
        {
            _problems.Add(scalar.Place, path, $"with all variables replaced the stack has more than {MostCharacters} characters", "use shorter values");
            return scalar;
        }
        return new YamlScalar(scalar.Place, text, ScalarType.Text, scalar.IsBlock);
    }

    private YamlList ReplaceItems(YamlList list, string path)
    {
        var items = ImmutableArray.CreateBuilder<YamlNode>(list.Items.Length);
        for (var at = 0; at < list.Items.Length; at++)
            items.Add(Replace(list.Items[at], $"{path}[{at}]"));
        return new YamlList(list.Place, items.MoveToImmutable());
    }

    private YamlMap ReplaceValues(YamlMap map, string path) =>
        new(map.Place, map.Entries.Select(entry => entry with { Value = Replace(entry.Value, $"{path}.{entry.Key.Text}") }));
}
