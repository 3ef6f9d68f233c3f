using System.Text.RegularExpressions;
using Berth.Stacks.Yaml;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Berth.Stacks;

/// <summary>The merged tree → one stack file that means the same anywhere: variables are replaced and dollars doubled again,
/// relative binds are absolute, names without a value under <c>environment</c> have the one they had here.</summary>
internal sealed partial class StackFileWriter
{
    private readonly StackContext _context;
    private readonly Emitter _emitter;

    private StackFileWriter(StackContext context, TextWriter output) =>
        (_context, _emitter) = (context, new Emitter(output, new EmitterSettings().WithMaxSimpleKeyLength(1024).WithIndentedSequences()));

    /// <summary>The file's text.</summary>
    /// <param name="root">A tree that was read without problems.</param>
    /// <param name="context">What it was read with.</param>
    public static string Write(YamlMap root, StackContext context)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var writer = new StackFileWriter(context, text);
        writer._emitter.Emit(new StreamStart());
        writer._emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        writer.Node(root, []);
        writer._emitter.Emit(new DocumentEnd(isImplicit: true));
        writer._emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private void Node(YamlNode node, string[] path)
    {
        switch (node)
        {
            case YamlMap map:
                _emitter.Emit(new MappingStart(null, null, true, map.Entries.IsEmpty ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var entry in map.Entries)
                    Entry(entry, map, path);
                _emitter.Emit(new MappingEnd());
                break;
            case YamlList list:
                _emitter.Emit(new SequenceStart(null, null, true, list.Items.IsEmpty ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var item in list.Items)
                    Node(item is YamlScalar scalar ? Item(scalar, path) : item, [.. path, ""]);
                _emitter.Emit(new SequenceEnd());
                break;
            case YamlScalar scalar:
                Scalar(scalar, isReplaced: path is [var section, ..] && Interpolation.IsReplacedIn(section));
                break;
        }
    }

    private void Entry(YamlEntry entry, YamlMap map, string[] path)
    {
        Scalar(entry.Key, isReplaced: false);
        var value = entry.Value;
        if (path is ["services", _, "environment"] && value.IsNull && _context.Variables.TryGetValue(entry.Key.Text, out var known))
            value = new YamlScalar(value.Place, known);
        else if (path is ["services", _, "volumes", _] && entry.Key.Text == "source" && value is YamlScalar source && IsBind(map))
            value = new YamlScalar(source.Place, MountReader.Absolute(source.Text, source.Place, _context) ?? source.Text);
        Node(value, [.. path, entry.Key.Text]);
    }

    private YamlScalar Item(YamlScalar item, string[] path) => path switch
    {
        ["services", _, "environment"] when !item.Text.Contains('=') && _context.Variables.TryGetValue(item.Text, out var known) =>
            new YamlScalar(item.Place, $"{item.Text}={known}"),
        ["services", _, "volumes"] when item.Text.Split(':', 2) is [var source, var rest] && MountReader.IsPath(source) =>
            new YamlScalar(item.Place, $"{MountReader.Absolute(source, item.Place, _context) ?? source}:{rest}"),
        _ => item,
    };

    private static bool IsBind(YamlMap mount) => mount.Find("type")?.Value is YamlScalar { Text: "bind" };

    private void Scalar(YamlScalar scalar, bool isReplaced)
    {
        var isText = scalar.Type == ScalarType.Text;
        var text = isText && isReplaced ? scalar.Text.Replace("$", "$$", StringComparison.Ordinal) : scalar.Text;
        var style = !isText || (Plain().IsMatch(text) && ScalarTypes.Of(text) == ScalarType.Text && !LooksTyped().IsMatch(text)) ? ScalarStyle.Plain
            : Block().IsMatch(text) ? ScalarStyle.Literal
            : ScalarStyle.DoubleQuoted;
        _emitter.Emit(new Scalar(null, null, scalar.IsNull ? "null" : text, style, isPlainImplicit: style == ScalarStyle.Plain, isQuotedImplicit: style != ScalarStyle.Plain));
    }

    // What nobody can take for anything but text, and lines that a block shows as they are. All else is quoted.
    [GeneratedRegex(@"^[A-Za-z0-9_./$](?:[A-Za-z0-9_./$@%+,=-]|:(?=[A-Za-z0-9_./$-])|[ ](?=[A-Za-z0-9_./$-]))*\z")]
    private static partial Regex Plain();

    // To readers of YAML 1.1 these are booleans, numbers to the base 60 or times.
    [GeneratedRegex(@"^(?:y|n|yes|no|on|off|[-+0-9][0-9:._-]*(?:[ Tt].*)?)\z", RegexOptions.IgnoreCase)]
    private static partial Regex LooksTyped();

    [GeneratedRegex(@"^(?:[!-~][ -~]*\n)(?:(?:[ -~]*[!-~])?\n)*[ -~]*[!-~]\n?\z")]
    private static partial Regex Block();
}
