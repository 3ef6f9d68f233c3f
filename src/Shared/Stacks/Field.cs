using System.Globalization;
using Berth.Model;
using Berth.Stacks.Values;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>A value of the file together with its path: reads what is expected there, or notes what is wrong.</summary>
/// <param name="Node">The value.</param>
/// <param name="Path">Such as <c>services.web.ports[0].target</c>.</param>
/// <param name="Problems">Where problems go.</param>
internal sealed record Field(YamlNode Node, string Path, ProblemList Problems)
{
    /// <summary>Notes that this value is wrong.</summary>
    public void Problem(string message, string next) => Problems.Add(Node.Place, Path, message, next);

    /// <summary>Notes that this value may not mean what it seems to.</summary>
    public void Warn(string message, string next) => Problems.Warn(Node.Place, Path, message, next);

    /// <summary>The value under <paramref name="key"/>; null when there is none, or this is not a mapping.</summary>
    public Field? Get(string key) =>
        (Node as YamlMap)?.Find(key) is { } entry ? new Field(entry.Value, PathOf(key), Problems) : null;

    /// <summary>Whether this is a mapping; notes a problem when it is not.</summary>
    public bool IsMap()
    {
        if (Node is not YamlMap)
            Problem($"{Node.Kind} is not a mapping", "write keys and values below it");
        return Node is YamlMap;
    }

    /// <summary>Every key with its value; notes a problem when this is not a mapping.</summary>
    public IEnumerable<(YamlScalar Key, Field Value)> Entries() =>
        IsMap() ? ((YamlMap)Node).Entries.Select(entry => (entry.Key, new Field(entry.Value, PathOf(entry.Key.Text), Problems))) : [];

    /// <summary>The items of a list; notes a problem when this is not one.</summary>
    public IEnumerable<Field> Items()
    {
        if (Node is YamlList list)
            return list.Items.Select((item, at) => new Field(item, string.Create(CultureInfo.InvariantCulture, $"{Path}[{at}]"), Problems));
        Problem($"{Node.Kind} is not a list", "write one item a line, each after a dash");
        return [];
    }

    /// <summary>A text; numbers and booleans must be quoted, for YAML may read them otherwise than they look.</summary>
    public string? Text()
    {
        if (Node is YamlScalar { Type: ScalarType.Text } scalar)
            return scalar.Text;
        Problem($"{Node.Kind} is not a text",
            Node.IsNull ? "give it a value, or remove the key" : Node is YamlScalar ? $"write it in quotes: \"{((YamlScalar)Node).Text}\"" : "write one value");
        return null;
    }

    /// <summary>A text that is not empty.</summary>
    public string? NonEmptyText()
    {
        var text = Text();
        if (text is not "")
            return text;
        Problem("it is empty", "give it a value, or remove the key");
        return null;
    }

    /// <summary>One of a few words.</summary>
    public string? Word(params string[] words)
    {
        if (Text() is not { } text)
            return null;
        if (words.Contains(text))
            return text;
        var near = Nearest.To(text, words);
        Problem($"'{text}' is not one of {string.Join(", ", words)}", near is null ? $"write {words[0]}" : $"did you mean {near}?");
        return null;
    }

    /// <summary>A whole number within bounds; quotes do not matter.</summary>
    public int? Integer(int least, int most)
    {
        if (Node is not YamlScalar { Type: ScalarType.Integer or ScalarType.Text } scalar
            || !long.TryParse(scalar.Type == ScalarType.Integer ? GoNumber.FromInteger(scalar.Text) : scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            Problem($"{Node.Kind} is not a whole number", $"write a number from {least}");
            return null;
        }
        if (value >= least && value <= most)
            return (int)value;
        Problem(string.Create(CultureInfo.InvariantCulture, $"{value} is not between {least} and {most}"), "write a number in this range");
        return null;
    }

    /// <summary>True or false; also as text, which is what a variable leaves.</summary>
    public bool? Boolean()
    {
        if (Node is YamlScalar { Type: ScalarType.Boolean or ScalarType.Text } scalar)
        {
            switch (scalar.Text.ToUpperInvariant())
            {
                case "TRUE" or "YES" or "ON" or "Y":
                    return true;
                case "FALSE" or "NO" or "OFF" or "N":
                    return false;
            }
        }
        Problem($"{Node.Kind} is neither true nor false", "write true or false");
        return null;
    }

    /// <summary>A duration of at least zero.</summary>
    public TimeSpan? Duration()
    {
        if (Node is YamlScalar { Type: ScalarType.Integer or ScalarType.Float } number && number.Text != "0")
        {
            Problem($"{number.Text} has no unit", $"write {number.Text}s for seconds, or another unit");
            return null;
        }
        if (Node is YamlScalar scalar && GoDuration.TryParse(scalar.Text, out var duration))
        {
            if (duration >= TimeSpan.Zero)
                return duration;
            Problem($"{scalar.Text} is less than zero", "write a duration from 0s");
            return null;
        }
        Problem($"{Node.Kind} is not a duration", $"write {GoDuration.Form}");
        return null;
    }

    /// <summary>An amount of memory, bytes.</summary>
    public long? Bytes()
    {
        if (Node is YamlScalar scalar && ByteSize.TryParse(scalar.Text, out var bytes))
            return bytes;
        Problem($"{Node.Kind} is not an amount of memory", $"write {ByteSize.Form}");
        return null;
    }

    /// <summary>A share of cores, billionths.</summary>
    public long? Cpus()
    {
        if (Node is YamlScalar scalar && CpuAmount.TryParse(scalar.Text, out var nanoCpus))
            return nanoCpus;
        Problem($"{Node.Kind} is not an amount of processor time", $"write {CpuAmount.Form}");
        return null;
    }

    /// <summary>A number between 0 and 1.</summary>
    public double? Ratio()
    {
        if (Node is YamlScalar scalar && double.TryParse(scalar.Text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var ratio)
            && ratio is >= 0 and <= 1)
            return ratio;
        Problem($"{Node.Kind} is not a number between 0 and 1", "write a share such as 0.25");
        return null;
    }

    /// <summary>A list of texts.</summary>
    public ValueList<string> Texts() => Items().Select(item => item.Text()).OfType<string>().ToValueList();

    /// <summary>A command: a list of words, or one text that is split as a shell would.</summary>
    public ValueList<string> Command()
    {
        if (Node is YamlList)
            return Texts();
        if (Text() is not { } text)
            return [];
        if (!ShellWords.TrySplit(text, out var words, out var comment, out var error))
            Problem(error!, "close the quote, or write the command as a list");
        else if (comment is not null)
            Warn($"'{comment}' is taken as a comment and left out", "put it in quotes if it belongs to the command");
        return words;
    }

    /// <summary>Texts by name, written as a mapping or as a list of <c>KEY=value</c>; null where only the name is written.</summary>
    public IEnumerable<(Field At, string Key, string? Value)> Pairs()
    {
        YamlMap? map;
        if (Node is YamlList list && FileMerge.AsMap(list) is null)
        {
            foreach (var item in Items())
                item.Text();
            yield break;
        }
        map = Node is YamlList items ? FileMerge.AsMap(items) : Node as YamlMap;
        if (map is null)
        {
            Problem($"{Node.Kind} is neither a mapping nor a list", "write KEY: value below it, or - KEY=value");
            yield break;
        }
        if (Node is YamlList written && written.Items.Length > map.Entries.Length)
            Warn("a name is written more than once, and the last value counts", "keep one of them");
        foreach (var entry in map.Entries)
        {
            var field = new Field(entry.Value, PathOf(entry.Key.Text), Problems);
            if (entry.Key.Type != ScalarType.Text)
                Problems.Add(entry.Key.Place, field.Path, "YAML does not read this name as text", $"write it in quotes: \"{entry.Key.Text}\"");
            else if (entry.Key.Text.Length == 0)
                field.Problem("the name is empty", "give it a name");
            else if (field.IsTextLike(out var value))
                yield return (field, entry.Key.Text, value);
        }
    }

    // Docker takes numbers as text here, in their shortest form, which is seldom what the author means.
    private bool IsTextLike(out string? value)
    {
        value = null;
        if (Node is not YamlScalar scalar || scalar.Type == ScalarType.Boolean)
        {
            Problem($"{Node.Kind} is neither text nor number", Node is YamlScalar flag ? $"write it in quotes: \"{flag.Text}\"" : "write one value");
            return false;
        }
        value = scalar.Type switch
        {
            ScalarType.Null => null,
            ScalarType.Integer => GoNumber.FromInteger(scalar.Text),
            ScalarType.Float => GoNumber.FromFloat(scalar.Text),
            _ => scalar.Text,
        };
        if (value is not null && value != scalar.Text)
            Warn($"YAML reads {scalar.Text} as a number, and '{value}' is what arrives", $"write it in quotes: \"{scalar.Text}\"");
        return true;
    }

    private string PathOf(string key) => Path.Length == 0 ? key : $"{Path}.{key}";
}
