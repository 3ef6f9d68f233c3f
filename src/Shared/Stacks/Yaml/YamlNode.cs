using System.Collections.Immutable;

namespace Berth.Stacks.Yaml;

/// <summary>Where something is written.</summary>
/// <param name="File">Name of the document.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
internal readonly record struct Place(string File, int Line, int Column);

/// <summary>A YAML value that knows where it stands. Immutable; aliases share the node of their anchor.</summary>
internal abstract class YamlNode(Place place)
{
    /// <summary>Where it begins.</summary>
    public Place Place { get; } = place;

    /// <summary>Nodes in it, itself included, with every alias counted in full.</summary>
    public abstract long Size { get; }

    /// <summary>What it is, for messages: "a list".</summary>
    public abstract string Kind { get; }

    /// <summary>Whether nothing was written.</summary>
    public bool IsNull => this is YamlScalar { Type: ScalarType.Null };
}

/// <summary>What an unquoted scalar means; a quoted one is always text.</summary>
internal enum ScalarType
{
    Text,
    Null,
    Boolean,
    Integer,
    Float,
}

/// <summary>A single value.</summary>
/// <param name="place">Where it begins.</param>
/// <param name="text">Its text, without quotes.</param>
/// <param name="type">What it means.</param>
/// <param name="isBlock">Whether it is a <c>|</c> block, whose lines are the file's lines.</param>
internal sealed class YamlScalar(Place place, string text, ScalarType type = ScalarType.Text, bool isBlock = false) : YamlNode(place)
{
    public string Text { get; } = text;

    public ScalarType Type { get; } = type;

    public bool IsBlock { get; } = isBlock;

    public override long Size => 1;

    public override string Kind => Type switch
    {
        ScalarType.Null => "empty",
        ScalarType.Boolean or ScalarType.Integer or ScalarType.Float => Text,
        _ => $"'{(Text.Length > 60 ? Text[..57] + "..." : Text)}'",
    };

    /// <summary>Where character <paramref name="at"/> of the text stands: exact to the line.</summary>
    public Place PlaceOf(int at)
    {
        if (!IsBlock)
            return Place;
        var line = Place.Line + 1 + Text.AsSpan(0, at).Count('\n');
        return Place with { Line = line, Column = 1 };
    }
}

/// <summary>Values in order.</summary>
internal sealed class YamlList(Place place, ImmutableArray<YamlNode> items) : YamlNode(place)
{
    public ImmutableArray<YamlNode> Items { get; } = items;

    public override long Size { get; } = 1 + items.Sum(item => item.Size);

    public override string Kind => "a list";
}

/// <summary>A key with its value.</summary>
internal readonly record struct YamlEntry(YamlScalar Key, YamlNode Value);

/// <summary>Values by key, in the order of the file.</summary>
internal sealed class YamlMap : YamlNode
{
    private readonly Dictionary<string, int> _index;

    /// <summary>A map of these entries; of several with the same key the first counts.</summary>
    public YamlMap(Place place, IEnumerable<YamlEntry> entries)
        : base(place)
    {
        _index = new Dictionary<string, int>(StringComparer.Ordinal);
        var kept = ImmutableArray.CreateBuilder<YamlEntry>();
        foreach (var entry in entries)
        {
            if (_index.TryAdd(entry.Key.Text, kept.Count))
                kept.Add(entry);
        }
        Entries = kept.ToImmutable();
        Size = 1 + Entries.Sum(entry => 1 + entry.Value.Size);
    }

    public ImmutableArray<YamlEntry> Entries { get; }

    public override long Size { get; }

    public override string Kind => "a mapping";

    public YamlEntry? Find(string key) => _index.TryGetValue(key, out var at) ? Entries[at] : null;
}
