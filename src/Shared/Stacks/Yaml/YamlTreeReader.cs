using System.Collections.Immutable;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Berth.Stacks.Yaml;

/// <summary>YAML text → a tree of nodes with places: anchors, aliases and merge keys resolved, duplicate keys refused.</summary>
/// <remarks>Everything that can grow is limited: depth, and the size of the tree with all aliases written out (a few
/// lines of anchors can otherwise stand for billions of values).</remarks>
internal sealed class YamlTreeReader
{
    /// <summary>Deepest nesting of lists and mappings.</summary>
    public const int DeepestLevel = 100;

    /// <summary>Most values of a document, every alias counted in full.</summary>
    public const int LargestTree = 1_000_000;

    private readonly string _file;
    private readonly Parser _parser;
    private readonly ProblemList _problems;
    private readonly Dictionary<string, YamlNode?> _anchors = new(StringComparer.Ordinal);

    private Place _last;

    private YamlTreeReader(string file, string text, ProblemList problems)
    {
        _file = file;
        _parser = new Parser(new StringReader(text));
        _problems = problems;
        _last = new Place(file, 1, 1);
    }

    /// <summary>The document's root; null when it is unusable, which <paramref name="problems"/> then says.</summary>
    public static YamlNode? Read(string file, string text, ProblemList problems)
    {
        var reader = new YamlTreeReader(file, text, problems);
        try
        {
            return reader.ReadDocument();
        }
        catch (YamlException error)
        {
            problems.Add(reader.PlaceOf(error, text), "", $"this is not valid YAML: {Lowered(error.Message)}",
                "repair the syntax; what is wrong often begins on the line before");
            return null;
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            // The parser says so of some broken unquoted values and tags, without a place; the last one read is near.
            problems.Add(reader._last, "", "this is not valid YAML here or just below", "repair the syntax, or write the value in quotes");
            return null;
        }
        catch (StopReadingException)
        {
            // The problem was noted where it was found; what follows cannot be read.
            return null;
        }
    }

    private YamlNode? ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.TryConsume<StreamEnd>(out _))
        {
            _problems.Add(new Place(_file, 1, 1), "", "the file is empty", "write at least: services: {NAME: {image: IMAGE}}");
            return null;
        }
        _parser.Consume<DocumentStart>();
        var root = ReadNode(level: 0);
        _parser.Consume<DocumentEnd>();
        if (_parser.TryConsume<DocumentStart>(out var second))
        {
            _problems.Add(PlaceOf(second.Start), "", "a second YAML document begins here; Docker ignores it silently",
                "put it into a file of its own, and give both files");
        }
        return root;
    }

    private YamlNode ReadNode(int level)
    {
        var place = _last = PlaceOf(_parser.Current!.Start);
        if (level > DeepestLevel)
        {
            _problems.Add(place, "", string.Create(CultureInfo.InvariantCulture, $"this is nested deeper than {DeepestLevel} levels"), "flatten the file");
            throw new StopReadingException();
        }
        if (_parser.TryConsume<AnchorAlias>(out var alias))
            return Resolve(alias, place);

        if (_parser.Current is not NodeEvent { Anchor: var anchor })
        {
            // A misplaced colon or bracket: the parser ends the mapping where a value has to come.
            _problems.Add(place, "", "this is not valid YAML: a value is missing here", "repair the syntax");
            throw new StopReadingException();
        }
        if (!anchor.IsEmpty)
            _anchors[anchor.Value] = null;
        YamlNode node = _parser.Current switch
        {
            Scalar => ReadScalar(place),
            SequenceStart => ReadList(place, level),
            _ => ReadMap(place, level),
        };
        if (node.Size > LargestTree)
        {
            _problems.Add(place, "", string.Create(CultureInfo.InvariantCulture, $"with all aliases written out this holds more than {LargestTree:N0} values"),
                "use fewer aliases of aliases, or split the stack");
            throw new StopReadingException();
        }
        if (!anchor.IsEmpty)
            _anchors[anchor.Value] = node;
        return node;
    }

    private YamlNode Resolve(AnchorAlias alias, Place place)
    {
        if (_anchors.TryGetValue(alias.Value.Value, out var node) && node is not null)
            return node;
        var known = _anchors.ContainsKey(alias.Value.Value);
        _problems.Add(place, "",
            known ? $"the anchor '{alias.Value}' contains itself" : $"there is no anchor '{alias.Value}' above this line",
            known ? "remove the alias, or move the anchor" : $"write &{alias.Value} before the value that is meant, earlier in the file");
        throw new StopReadingException();
    }

    private YamlScalar ReadScalar(Place place)
    {
        var scalar = _parser.Consume<Scalar>();
        var isPlain = scalar.Style == ScalarStyle.Plain;
        var type = scalar.Tag.IsEmpty
            ? isPlain ? ScalarTypes.Of(scalar.Value) : ScalarType.Text
            : TypeOf(scalar.Tag.Value, scalar.Value, place);
        return new YamlScalar(place, scalar.Value, type, scalar.Style == ScalarStyle.Literal);
    }

    private ScalarType TypeOf(string tag, string text, Place place)
    {
        switch (tag)
        {
            case "tag:yaml.org,2002:str" or "!":
                return ScalarType.Text;
            case "tag:yaml.org,2002:int" or "tag:yaml.org,2002:float" or "tag:yaml.org,2002:bool" or "tag:yaml.org,2002:null":
                return ScalarTypes.Of(text);
            default:
                RefuseTag(tag, place);
                return ScalarType.Text;
        }
    }

    private YamlList ReadList(Place place, int level)
    {
        var start = _parser.Consume<SequenceStart>();
        if (!start.Tag.IsEmpty && start.Tag.Value != "tag:yaml.org,2002:seq")
            RefuseTag(start.Tag.Value, place);
        var items = ImmutableArray.CreateBuilder<YamlNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
            items.Add(ReadNode(level + 1));
        return new YamlList(place, items.ToImmutable());
    }

    private YamlMap ReadMap(Place place, int level)
    {
        var start = _parser.Consume<MappingStart>();
        if (!start.Tag.IsEmpty && start.Tag.Value != "tag:yaml.org,2002:map")
            RefuseTag(start.Tag.Value, place);
        var own = new List<YamlEntry>();
        var merged = new List<YamlEntry>();
        var written = new Dictionary<string, Place>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var isMerge = _parser.Current is Scalar { Value: "<<", Style: ScalarStyle.Plain };
            var key = ReadNode(level + 1);
            var value = ReadNode(level + 1);
            if (key is not YamlScalar name)
                _problems.Add(key.Place, "", $"{key.Kind} cannot be a key", "write a name");
            else if (!written.TryAdd(name.Text, name.Place))
                _problems.Add(name.Place, "", Duplicate(name, written[name.Text]), isMerge ? "write one <<: [*a, *b]" : "keep one of them");
            else if (isMerge)
                AddMerged(value, merged);
            else
                own.Add(new YamlEntry(name, value));
        }
        // A map's own keys win over merged ones, and earlier merged maps over later ones: the first of equal keys counts.
        return new YamlMap(place, own.Concat(merged));
    }

    private static string Duplicate(YamlScalar key, Place first) =>
        string.Create(CultureInfo.InvariantCulture, $"the key '{key.Text}' is already written at line {first.Line}");

    private void AddMerged(YamlNode value, List<YamlEntry> merged)
    {
        switch (value)
        {
            case YamlMap map:
                merged.AddRange(map.Entries);
                break;
            case YamlList list when list.Items.All(item => item is YamlMap):
                merged.AddRange(list.Items.OfType<YamlMap>().SelectMany(map => map.Entries));
                break;
            default:
                _problems.Add(value.Place, "", $"<< takes a mapping or a list of mappings, not {value.Kind}", "write <<: *ANCHOR");
                break;
        }
    }

    private void RefuseTag(string tag, Place place) =>
        _problems.Add(place, "", $"the tag '{tag}' is not supported", "remove it");

    private Place PlaceOf(Mark mark) => new(_file, (int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    // The scanner notices a tab only at the end of the mapping that it breaks, and then names the mapping's beginning.
    private Place PlaceOf(YamlException error, string text)
    {
        var place = PlaceOf(error.Start);
        if (!error.Message.Contains(" tab ", StringComparison.Ordinal))
            return place;
        var lines = text.Split('\n');
        var line = Array.FindIndex(lines, place.Line - 1, line => line.AsSpan(0, line.Length - line.AsSpan().TrimStart().Length).Contains('\t'));
        return line < 0 ? place : place with { Line = line + 1, Column = lines[line].IndexOf('\t') + 1 };
    }

    private static string Lowered(string message)
    {
        var text = message.TrimEnd('.');
        return text.Length > 1 && char.IsUpper(text[0]) && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    /// <summary>Ends the reading of a document whose problem is already noted; never leaves this class.</summary>
    private sealed class StopReadingException : Exception;
}
