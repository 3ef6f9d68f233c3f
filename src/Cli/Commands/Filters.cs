using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Commands;

/// <summary>Docker's <c>--filter KEY=VALUE</c>: values of one key are alternatives, different keys must all match.</summary>
internal sealed class Filters
{
    private readonly ILookup<string, string> _values;

    private Filters(ILookup<string, string> values) => _values = values;

    /// <summary>The flag.</summary>
    /// <param name="known">The keys it takes, for help.</param>
    public static Option<string[]> Flag(params string[] known) =>
        Commands.Flag.List("--filter", "KEY=VALUE", $"Filter output by {string.Join(", ", known)}", text => text, "-f");

    /// <summary>Reads the flag's values.</summary>
    /// <exception cref="UserError">A key is not among <paramref name="known"/>.</exception>
    public static Filters Parse(IEnumerable<string> texts, params string[] known)
    {
        var pairs = new List<(string Key, string Value)>();
        foreach (var text in texts)
        {
            if (text.Split('=', 2) is not [{ Length: > 0 } key, var value])
                throw UserError.Usage($"--filter '{text}' is not a filter", "write KEY=VALUE");
            if (!known.Contains(key, StringComparer.Ordinal))
                throw UserError.Usage($"--filter '{text}': there is no filter '{key}' here", $"known are {string.Join(", ", known)}");
            pairs.Add((key, value));
        }
        return new Filters(pairs.ToLookup(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal));
    }

    /// <summary>Whether a value is wanted: any is when there is no filter of this key.</summary>
    public bool Allow(string key, Func<string, bool> matches) => !_values.Contains(key) || _values[key].Any(matches);

    /// <summary>Whether labels are wanted: <c>label=KEY</c> or <c>label=KEY=VALUE</c>.</summary>
    public bool AllowLabel(string key, IEnumerable<KeyValuePair<string, string>> labels)
    {
        var all = labels.ToDictionary(label => label.Key, label => label.Value, StringComparer.Ordinal);
        return _values[key].All(wanted => wanted.Split('=', 2) is [var name, var value]
            ? all.TryGetValue(name, out var has) && has == value
            : all.ContainsKey(wanted));
    }
}
