using System.Globalization;
using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Asks the rules that every spec must obey (<see cref="SpecRules"/>) and finds the lines of what breaks them.</summary>
internal static class SpecChecks
{
    /// <summary>Notes what breaks a rule.</summary>
    /// <remarks>Not where a problem is noted already: a value that could not be read is missing in the spec, and in
    /// a list the items after it have moved.</remarks>
    public static void Apply(StackSpec spec, Field root)
    {
        foreach (var problem in SpecRules.Check(spec))
        {
            if (root.Problems.Touches(problem.Path))
                continue;
            var (message, next) = Parted(problem.Message);
            root.Problems.Add(PlaceOf(root.Node, problem.Path), problem.Path, message, next);
        }
    }

    /// <summary>What is wrong and what to do: the rules say both in one sentence, parted by a semicolon.</summary>
    public static (string Message, string Next) Parted(string sentence)
    {
        var at = sentence.LastIndexOf("; ", StringComparison.Ordinal);
        return at < 0 ? (sentence, "correct it") : (sentence[..at], sentence[(at + 2)..]);
    }

    // The deepest node on the path: short forms and defaults have no node of their own.
    private static Place PlaceOf(YamlNode root, string path)
    {
        var node = root;
        foreach (var part in path.Split('.'))
        {
            var bracket = part.IndexOf('[');
            var name = bracket < 0 ? part : part[..bracket];
            if ((node as YamlMap)?.Find(name) is not { } entry)
                break;
            node = entry.Value;
            // Environment is sorted when it is read, so its numbers are not the file's.
            if (bracket >= 0 && name != "environment" && node is YamlList list
                && int.TryParse(part.AsSpan(bracket + 1, part.Length - bracket - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
                && at < list.Items.Length)
                node = list.Items[at];
        }
        return node.Place;
    }
}
